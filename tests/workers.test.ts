import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../db/embedded/freePort.ts'
import { name } from '../server/version.ts'
import { adapters } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { type Program, startProgram } from './support/program.ts'
import { withClient } from './support/testServer.ts'

interface Line {
  readonly msg: string
  readonly worker?: number
  readonly delay_ms?: number
}

let database: TestDatabase
let program: Program

const start = (more: Record<string, string>) => {
  program = startProgram({
    environment: {
      NODE_ENV: 'test',
      JWT_SECRET: 'a signing secret for tests of 32 bytes or more',
      DATABASE_URL: database.appUrl,
      DATABASE_GATE_URL: database.gateUrl,
      DATABASE_MIGRATE_URL: database.ownerUrl,
      CLUSTER_WORKERS: '2',
      ...more,
    },
  })
  return program
}

/** Log lines whose message matches, in order. */
const lines = (pattern: RegExp): Line[] =>
  program
    .output()
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []))
    .filter(({ msg }) => pattern.test(msg))

const statuses = (url: string) =>
  Promise.all(Array.from({ length: 8 }, async () => (await fetch(url, { headers: { connection: 'close' } })).status))

describe.each(adapters)('CLUSTER_WORKERS on %s', { timeout: 120_000 }, (adapter) => {
  beforeAll(async () => {
    database = await createDatabase()
  })
  afterEach(async () => {
    program.kill('SIGKILL')
    await program.ended
  })
  afterAll(() => database.drop())

  const startHere = async (more: Record<string, string> = {}) =>
    start({ HTTP_ADAPTER: adapter, PORT: String(await freePort()), ...more })

  it('serves from several processes, replaces one that dies, and ends all at SIGTERM with 0', async () => {
    await startHere()
    const url = await program.ready
    expect(program.output()).toContain('(2 workers)')
    const workers = program.children()
    expect(workers).toHaveLength(2)
    process.kill(workers[0] as number, 'SIGKILL')
    await program.says(/a worker died and is replaced/)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    program.kill('SIGTERM')
    const { code, output } = await program.ended
    expect([code, output.includes('draining the workers')]).toEqual([0, true])
    expect(program.children()).toEqual([])
  })

  it('closes them one after the other', async () => {
    await startHere({ SHUTDOWN_SECONDS: '600' })
    await program.ready
    program.kill('SIGTERM')
    expect((await program.ended).code).toBe(0)
    const [first, second, third, fourth, ...more] = lines(/^(the supervisor: draining|stopped)$/)
    expect([first?.msg, second?.msg, third?.msg, fourth?.msg]).toEqual([
      'the supervisor: draining',
      'stopped',
      'the supervisor: draining',
      'stopped',
    ])
    expect([first?.worker, second?.worker, third?.worker, fourth?.worker]).toEqual([1, 1, 2, 2])
    // The supervisor itself.
    expect(more.map(({ msg }) => msg)).toEqual(['stopped'])
  })

  it('fails readiness in all of them at once, still answers, and hurries at a second signal', async () => {
    await startHere({ DRAIN_SECONDS: '600', SHUTDOWN_SECONDS: '600' })
    const url = await program.ready
    program.kill('SIGTERM')
    await program.says(/draining the workers/)
    await expect.poll(() => statuses(`${url}/readyz`), { timeout: 20_000 }).toEqual(Array(8).fill(503))
    expect(await statuses(`${url}/livez`)).toEqual(Array(8).fill(200))
    expect(program.children()).toHaveLength(2)
    program.kill('SIGTERM')
    expect((await program.ended).code).toBe(0)
  })

  it('kills a worker that does not end in time', async () => {
    await startHere({ SHUTDOWN_SECONDS: '1' })
    await program.ready
    const [stuck = 0] = program.children()
    process.kill(stuck, 'SIGSTOP')
    program.kill('SIGTERM')
    const { code, output } = await program.ended
    expect([code, output.includes('a worker did not end in time and is killed')]).toEqual([0, true])
    expect(program.children()).toEqual([])
  })

  it('refuses a port of its own choosing for each', async () => {
    await startHere({ PORT: '0' })
    const { code, errors } = await program.ended
    expect([code, errors]).toEqual([1, expect.stringContaining('CLUSTER_WORKERS')])
  })

  it('ends with 1 and one sentence when the workers cannot start', async () => {
    const port = await freePort()
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen({ port, host: '127.0.0.1' }, resolve))
    await startHere({ PORT: String(port) })
    const { code, errors } = await program.ended
    await new Promise((resolve) => taken.close(resolve))
    expect([code, errors]).toEqual([1, expect.stringMatching(/^The port is in use: [^\n]*\n$/)])
  })
})

describe('the supervisor', { timeout: 120_000 }, () => {
  beforeEach(async () => {
    database = await createDatabase({ empty: true })
  })
  afterEach(async () => {
    program.kill('SIGKILL')
    await program.ended
    await database.drop()
  })

  it('migrates once for all of them', async () => {
    start({ PORT: String(await freePort()), MIGRATE_ON_START: 'true' })
    const url = await program.ready
    expect(lines(/^migrations applied$/)).toHaveLength(1)
    expect(await statuses(`${url}/readyz`)).toEqual(Array(8).fill(200))
  })

  it('outlives a worker that the system does not start, and tries again while the others serve', async () => {
    // At each signal its program is away, or there again, as it is to a system that is out of processes.
    const away = `const there = process.execPath
      process.on('SIGUSR2', () => {
        process.execPath = process.execPath === there ? there + '.away' : there
        console.log('program: ' + process.execPath)
      })`
    const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(away)}`
    start({ PORT: String(await freePort()), MIGRATE_ON_START: 'true', NODE_OPTIONS })
    const url = await program.ready
    program.kill('SIGUSR2')
    await program.says(/program: .*\.away/)
    process.kill(program.children()[0] as number, 'SIGKILL')
    await program.says(/A worker cannot be started: spawn .* ENOENT/)
    expect(await statuses(`${url}/livez`)).toEqual(Array(8).fill(200))
    program.kill('SIGUSR2')
    await expect.poll(() => program.children().length, { timeout: 60_000 }).toBe(2)
    program.kill('SIGTERM')
    expect((await program.ended).code).toBe(0)
  })

  it('replaces ever more slowly what dies young, and gives up with a sentence when none can be started', async () => {
    start({ PORT: String(await freePort()), MIGRATE_ON_START: 'true' })
    await program.ready
    // From now on nobody who starts is let in.
    await withClient(database.ownerUrl, (client) =>
      client.query(`revoke connect on database ${new URL(database.ownerUrl).pathname.slice(1)} from public`),
    )
    for (const pid of program.children()) process.kill(pid, 'SIGKILL')
    const { code, errors } = await program.ended
    expect([code, errors]).toEqual([
      1,
      expect.stringMatching(new RegExp(`^${name} gave up: [^\\n]* none can be started\\.`)),
    ])
    const delays = lines(/^a worker died and is replaced$/).map(({ delay_ms }) => delay_ms)
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000])
    expect(program.children()).toEqual([])
  })
})
