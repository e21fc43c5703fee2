import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Argon2Engine, Argon2Job, EngineName } from '../server/platform/hashing/argon2.ts'
import { chooseEngine } from '../server/platform/hashing/engines.ts'
import { createPasswordHasher, type HashingOptions, HashingOverloaded } from '../server/platform/hashing/index.ts'
import { parsePhc } from '../server/platform/hashing/phc.ts'
import { createWasmEngine, startHashWorker } from '../server/platform/hashing/wasmEngine.ts'

const cheap: HashingOptions = { memoryKib: 64, iterations: 1, parallelism: 2, concurrency: 2, queueLength: 8 }
const job: Argon2Job = {
  variant: 'id',
  memoryKib: 64,
  iterations: 1,
  parallelism: 1,
  hashLength: 32,
  password: Buffer.from('password'),
  salt: Buffer.from('somesalt'),
}

const engines: Argon2Engine[] = []
for (const name of ['native', 'node', 'wasm'] satisfies EngineName[]) {
  const engine = await chooseEngine(60_000, name).catch(() => undefined)
  if (engine) engines.push(engine)
  else console.warn(`skipped: the Argon2 engine "${name}" is not available on Node ${process.version}`)
}
afterAll(() => Promise.all(engines.map((engine) => engine.close())))

async function hasherWith(options: Partial<HashingOptions> = {}) {
  const hasher = await createPasswordHasher({ ...cheap, engine: engines[0] ?? 'wasm', ...options })
  onTestFinished(() => hasher.close())
  return hasher
}

/** hash-wasm in real workers, with the workers in sight. */
function watchedEngine(idleMs: number) {
  const started: Worker[] = []
  const startWorker = () => {
    const worker = startHashWorker()
    started.push(worker)
    return worker
  }
  const engine = createWasmEngine({ idleMs, startWorker })
  onTestFinished(() => engine.close())
  return { engine, started }
}

/** An engine whose jobs end when the test says so. */
function heldEngine() {
  const jobs: Argon2Job[] = []
  const releases: (() => void)[] = []
  const derive = (asked: Argon2Job) => {
    jobs.push(asked)
    return new Promise<Uint8Array>((resolve) => releases.push(() => resolve(new Uint8Array(asked.hashLength))))
  }
  const engine: Argon2Engine = { name: 'wasm', derive, close: async () => {} }
  return { engine, jobs, releaseNext: () => releases.shift()?.() }
}

test('there are engines to compare', () => {
  expect(engines.map((engine) => engine.name)).toContain('wasm')
  expect(engines.length).toBeGreaterThan(1)
})

describe.each(engines)('engine $name', (engine) => {
  // The test vectors of the reference implementation (P-H-C/phc-winner-argon2, src/test.c), version 0x13.
  test.each([
    [256, 1, '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
    [256, 2, '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
    [65536, 1, '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
  ])('agrees with the reference at m=%i, t=2, p=%i', async (memoryKib, parallelism, hash) => {
    const derived = await engine.derive({ ...job, memoryKib, parallelism, iterations: 2 })
    expect(Buffer.from(derived).toString('hex')).toBe(hash)
  })

  test('its strings are verified by every other engine', async () => {
    const passwords = ['correct horse', 'pässwörd 🔑', 'é', 'x'.repeat(4096), '\u0000', ' spaces ']
    const maker = await hasherWith({ engine })
    for (const password of passwords) {
      const phc = await maker.hash(password)
      expect(phc).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=2\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
      for (const other of engines) {
        const checker = await createPasswordHasher({ ...cheap, engine: other })
        expect(await checker.verify(password, phc)).toEqual({ matches: true, needsRehash: false })
        expect((await checker.verify(`${password}x`, phc)).matches).toBe(false)
      }
    }
  })

  test.each(['i', 'd'] as const)('verifies an imported argon2%s and asks for a new hash', async (variant) => {
    const salt = Buffer.from('0123456789abcdef')
    const hash = await engine.derive({ ...job, variant, parallelism: 2, salt })
    const [saltText, hashText] = [salt, Buffer.from(hash)].map((part) => part.toString('base64').replaceAll('=', ''))
    const hasher = await hasherWith({ engine })
    const phc = `$argon2${variant}$v=19$m=64,t=1,p=2$${saltText}$${hashText}`
    expect(await hasher.verify('password', phc)).toEqual({ matches: true, needsRehash: true })
  })
})

describe('passwords', () => {
  test('two hashes of one password differ', async () => {
    const hasher = await hasherWith()
    expect(await hasher.hash('same')).not.toBe(await hasher.hash('same'))
  })

  test('composed and decomposed characters are different passwords', async () => {
    const hasher = await hasherWith()
    const composed = await hasher.hash('\u00e9')
    expect((await hasher.verify('\u00e9', composed)).matches).toBe(true)
    expect((await hasher.verify('e\u0301', composed)).matches).toBe(false)
  })

  test('an empty password is never stored and never matches', async () => {
    const hasher = await hasherWith()
    await expect(hasher.hash('')).rejects.toThrow(RangeError)
    expect(await hasher.verify('', await hasher.hash('x'))).toEqual({ matches: false, needsRehash: false })
    await expect(hasher.verifyDummy('')).resolves.toBeUndefined()
  })

  test.each([{ memoryKib: 128 }, { memoryKib: 32 }, { iterations: 2 }, { parallelism: 1 }])(
    'a change to %o asks for a new hash',
    async (change) => {
      const phc = await (await hasherWith()).hash('password')
      const changed = await hasherWith(change)
      expect(await changed.verify('password', phc)).toEqual({ matches: true, needsRehash: true })
      expect(await changed.verify('wrong', phc)).toEqual({ matches: false, needsRehash: false })
    },
  )
})

describe('stored strings', () => {
  const salt = 'MDEyMzQ1Njc4OWFiY2RlZg'
  const hash = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  const refused = [
    '',
    'x',
    '$argon2id$',
    '$2b$12$abcdefghijklmnopqrstuv',
    `$argon2id$v=16$m=64,t=1,p=2$${salt}$${hash}`,
    `$argon2id$m=64,t=1,p=2$${salt}$${hash}`,
    `$argon2x$v=19$m=64,t=1,p=2$${salt}$${hash}`,
    `$argon2id$v=19$m=1048577,t=1,p=2$${salt}$${hash}`,
    `$argon2id$v=19$m=64,t=65,p=2$${salt}$${hash}`,
    `$argon2id$v=19$m=4294967295,t=4294967295,p=255$${salt}$${hash}`,
    `$argon2id$v=19$m=1024,t=1,p=65$${salt}$${hash}`,
    `$argon2id$v=19$m=15,t=1,p=2$${salt}$${hash}`,
    `$argon2id$v=19$m=064,t=1,p=2$${salt}$${hash}`,
    `$argon2id$v=19$m=64,t=0,p=2$${salt}$${hash}`,
    `$argon2id$v=19$t=1,m=64,p=2$${salt}$${hash}`,
    `$argon2id$v=19$m=64,t=1,p=2$${salt}==$${hash}=`,
    `$argon2id$v=19$m=64,t=1,p=2$${salt}$${hash}\n`,
    `$argon2id$v=19$m=64,t=1,p=2$c2FsdA$${hash}`,
    `$argon2id$v=19$m=64,t=1,p=2$${salt}$AAAA`,
    `$argon2id$v=19$m=64,t=1,p=2$${salt}$${'A'.repeat(8000)}`,
    `$argon2id$v=19$m=64,t=1,p=2$${salt}$${hash.slice(0, -1)}B`,
  ]

  test.each(refused)('%j matches nothing, costs a hash, and does not throw', async (phc) => {
    const { engine, jobs, releaseNext } = heldEngine()
    const verdict = (await hasherWith({ engine })).verify('password', phc)
    await expect.poll(() => jobs.length).toBe(1)
    expect(jobs[0]).toMatchObject({ variant: 'id', memoryKib: 64, iterations: 1, parallelism: 2 })
    releaseNext()
    // The held engine answers zeros, the hash that most of these strings hold.
    expect(await verdict).toEqual({ matches: false, needsRehash: false })
  })

  test('the well-formed neighbour of those is read', () => {
    expect(parsePhc(`$argon2id$v=19$m=64,t=1,p=2$${salt}$${hash}`)).toMatchObject({ memoryKib: 64, parallelism: 2 })
  })
})

describe('bounds', () => {
  test('what exceeds the queue is refused at once, and the rest is served in order', async () => {
    const { engine, jobs, releaseNext } = heldEngine()
    const hasher = await hasherWith({ engine, concurrency: 2, queueLength: 1 })
    const served = [hasher.hash('1'), hasher.verifyDummy('2'), hasher.hash('3')]
    expect(hasher.stats()).toEqual({ running: 2, queued: 1 })
    const refusal = await hasher.verify('4', '$argon2id$').catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(HashingOverloaded)
    expect(refusal).toMatchObject({ retryAfterSeconds: 1 })
    for (const _ of served) {
      await expect.poll(() => jobs.length).toBeGreaterThan(0)
      releaseNext()
    }
    await expect.poll(() => jobs.length).toBe(3)
    releaseNext()
    await Promise.all(served)
    expect(jobs.map((asked) => Buffer.from(asked.password).toString())).toEqual(['1', '2', '3'])
    expect(hasher.stats()).toEqual({ running: 0, queued: 0 })
  })

  test('closing refuses those that wait and lets the running one end', async () => {
    const { engine, jobs, releaseNext } = heldEngine()
    const hasher = await hasherWith({ engine, concurrency: 1 })
    const running = hasher.hash('running')
    const waiting = expect(hasher.hash('waiting')).rejects.toThrow('closed')
    await expect.poll(() => jobs.length).toBe(1)
    const closed = hasher.close()
    await waiting
    releaseNext()
    await expect(running).resolves.toMatch(/^\$argon2id/)
    await closed
    await expect(hasher.hash('late')).rejects.toThrow('closed')
  })

  test('a dummy verification pays the costs in force', async () => {
    const { engine, jobs, releaseNext } = heldEngine()
    const dummy = (await hasherWith({ engine, memoryKib: 96, iterations: 4, parallelism: 3 })).verifyDummy('password')
    await expect.poll(() => jobs.length).toBe(1)
    releaseNext()
    await dummy
    expect(jobs[0]).toMatchObject({ variant: 'id', memoryKib: 96, iterations: 4, parallelism: 3, hashLength: 32 })
  })
})

describe('worker threads of the wasm engine', () => {
  test('start on first use, at most as many as run at once, and are used again', async () => {
    const { engine, started } = watchedEngine(60_000)
    const hasher = await hasherWith({ engine, concurrency: 2 })
    expect(started).toHaveLength(0)
    await Promise.all(Array.from({ length: 6 }, (_, index) => hasher.hash(`password ${index}`)))
    expect(started).toHaveLength(2)
    expect(new Set(started.map((worker) => worker.threadId)).size).toBe(2)
    await hasher.hash('again')
    expect(started).toHaveLength(2)
  })

  test('end when idle, and a new one starts when needed', async () => {
    const { engine, started } = watchedEngine(1)
    await engine.derive(job)
    for (const worker of started) await once(worker, 'exit')
    await engine.derive(job)
    expect(started).toHaveLength(2)
  })

  test('one that dies takes its own job with it and no other', async () => {
    const { engine, started } = watchedEngine(60_000)
    const hasher = await hasherWith({ engine, concurrency: 2, memoryKib: 65_536, iterations: 16 })
    const doomed = expect(hasher.hash('doomed')).rejects.toThrow('the hash worker ended')
    await expect.poll(() => started.length).toBe(1)
    for (const worker of started) await once(worker, 'online')
    const neighbour = engine.derive(job)
    void started[0]?.terminate()
    await doomed
    await expect(neighbour).resolves.toHaveLength(32)
    expect(started).toHaveLength(2)
    expect(hasher.stats()).toEqual({ running: 0, queued: 0 })
    await expect(engine.derive(job)).resolves.toHaveLength(32)
    expect(started).toHaveLength(2)
  })

  test('an error inside one rejects the job, and the worker goes on', async () => {
    const { engine, started } = watchedEngine(60_000)
    await expect(engine.derive({ ...job, memoryKib: 1 })).rejects.toThrow(/memory/i)
    await expect(engine.derive(job)).resolves.toHaveLength(32)
    expect(started).toHaveLength(1)
  })
})

test('an engine that is not there is said when it is asked for', async () => {
  const absent = (['native', 'node'] as const).find((name) => !engines.some((engine) => engine.name === name))
  if (absent) await expect(createPasswordHasher({ ...cheap, engine: absent })).rejects.toThrow('is not available here')
  const chosen = await createPasswordHasher(cheap)
  expect(chosen.engine).toBe(engines[0]?.name)
  await chosen.close()
})
