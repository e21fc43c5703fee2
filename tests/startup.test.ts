import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { explainStartFailure } from '../server/platform/startFailure.ts'
import { adapters } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { type Program, type ProgramOptions, startProgram } from './support/program.ts'
import { RawHttp } from './support/rawHttp.ts'
import { withClient } from './support/testServer.ts'

const weakHashing = { ARGON2_MEMORY_KIB: '256', ARGON2_ITERATIONS: '1', ARGON2_PARALLELISM: '1' }
const JWT_SECRET = 'a signing secret for tests of 32 bytes or more'

let database: TestDatabase
const started: Program[] = []
const folders: string[] = []
beforeAll(async () => {
  database = await createDatabase()
})
afterEach(async () => {
  for (const program of started.splice(0)) {
    program.kill('SIGKILL')
    await program.ended
  }
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})
afterAll(() => database.drop())

const start = (environment: ProgramOptions['environment'], more: Omit<ProgramOptions, 'environment'> = {}) => {
  const program = startProgram({ ...more, environment })
  started.push(program)
  return program
}

/** What a server on the database of these tests is told. */
const onDatabase = (more: Record<string, string> = {}) => ({
  NODE_ENV: 'test',
  JWT_SECRET,
  DATABASE_URL: database.appUrl,
  DATABASE_GATE_URL: database.gateUrl,
  DATABASE_MIGRATE_URL: database.ownerUrl,
  ...weakHashing,
  ...more,
})

const expectOneSentence = async (program: Program, sentence: RegExp) => {
  const { code, errors, output } = await program.ended
  expect([code, errors]).toEqual([1, expect.stringMatching(sentence)])
  expect(errors.trim().split('\n')).toHaveLength(1)
  expect(errors).not.toMatch(/^\s+at /m)
  expect(output).not.toContain('ready on')
}

/** Goes with the test. */
const newFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tsforge-startup-'))
  folders.push(folder)
  return folder
}

const status = async (url: string) => (await fetch(url)).status

describe.each(adapters)('a running server on %s', (adapter) => {
  it('says where it listens, ends with 0 at SIGTERM, and lets a request under way finish', async () => {
    const program = start(onDatabase({ HTTP_ADAPTER: adapter }))
    const url = await program.ready
    expect(program.output()).toContain(`(${adapter})`)
    expect(await status(`${url}/readyz`)).toBe(200)
    const client = new RawHttp(Number(new URL(url).port))
    const body = JSON.stringify({ email: 'nobody@example.org', password: 'not the password' })
    client.send(
      `POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    client.send(body.slice(0, 10))
    // Served by the same loop: the head of the request above has been read by the time that this one is answered.
    await status(`${url}/livez`)
    program.kill('SIGTERM')
    await program.says(/SIGTERM: draining/)
    client.send(body.slice(10))
    const reply = await client.response()
    expect([reply?.status, reply?.headers.connection]).toEqual([401, 'close'])
    const { code, output } = await program.ended
    expect([code, output.includes('stopped')]).toEqual([0, true])
  })

  it('fails readiness while it drains and still answers, and hurries at a second signal', async () => {
    const program = start(onDatabase({ HTTP_ADAPTER: adapter, DRAIN_SECONDS: '600', SHUTDOWN_SECONDS: '600' }))
    const url = await program.ready
    program.kill('SIGINT')
    await program.says(/SIGINT: draining/)
    const ready = await fetch(`${url}/readyz`)
    const { error } = (await ready.json()) as { error: object }
    expect([ready.status, error]).toEqual([503, expect.objectContaining({ meta: { reason: 'shutting down' } })])
    expect(await status(`${url}/api/v1/auth/me`)).toBe(401)
    program.kill('SIGTERM')
    expect((await program.ended).code).toBe(0)
  })

  it('refuses a port that is in use', async () => {
    const other = createServer()
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port))
    })
    const program = start(onDatabase({ HTTP_ADAPTER: adapter, PORT: String(port) }))
    await expectOneSentence(program, /^The port is in use: .*PORT/)
    await new Promise((resolve) => other.close(resolve))
  })
})

it('ends with 0 a few seconds after SHUTDOWN_SECONDS though a module never comes to its end', async () => {
  const program = start(onDatabase({ SHUTDOWN_SECONDS: '1' }), { program: 'stuckServer' })
  await program.ready
  program.kill('SIGTERM')
  const { code, output } = await program.ended
  expect([code, output.includes('not everything came to its end in time')]).toEqual([0, true])
})

describe('a server that cannot start', () => {
  it('lists everything that is wrong with its configuration at once', async () => {
    const { code, errors, output } = await start({
      NODE_ENV: 'test',
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      JWT_SECRET: 'canary-short',
      DATABASE_URL: 'mysql://canary-password@db/app',
    }).ended
    expect([code, output]).toEqual([1, ''])
    for (const name of ['PORT', 'LOG_LEVEL', 'JWT_SECRET', 'DATABASE_URL']) expect(errors).toContain(`  ${name}\n`)
    expect(errors).toContain('"eighty"')
    expect(errors).not.toContain('canary')
    expect(errors).not.toMatch(/^\s+at /m)
  })

  it('makes up nothing in production: database and secret must be named', async () => {
    const { code, errors } = await start({ NODE_ENV: 'production' }).ended
    expect(code).toBe(1)
    expect(errors).toContain('  DATABASE_URL\n')
    expect(errors).toContain('  JWT_SECRET\n')
  })

  it('says that the database does not answer, without its password', async () => {
    const program = start(onDatabase({ DATABASE_URL: 'postgres://app:canary@127.0.0.1:1/app' }))
    await expectOneSentence(program, /^The database of DATABASE_URL does not answer: /)
    expect((await program.ended).errors).not.toContain('canary')
  })

  it('says that the database refuses it, without its password', async () => {
    const url = new URL(database.appUrl)
    url.password = 'canary'
    const absent = new URL(database.appUrl)
    absent.pathname = '/absent'
    const refused = [start(onDatabase({ DATABASE_URL: url.href })), start(onDatabase({ DATABASE_URL: absent.href }))]
    for (const program of refused)
      await expectOneSentence(program, /^The database refused DATABASE_URL \(.+\): correct /)
    expect((await refused[0]?.ended)?.errors).not.toContain('canary')
  })

  it('names the variable whose login is refused, also those of the gate and the owner', async () => {
    const wrong = (url: string) => Object.assign(new URL(url), { password: 'canary' }).href
    const [gate, owner] = [
      start(onDatabase({ DATABASE_GATE_URL: wrong(database.gateUrl) })),
      start(onDatabase({ DATABASE_MIGRATE_URL: wrong(database.ownerUrl), MIGRATE_ON_START: 'true' })),
    ]
    await expectOneSentence(gate, /^The database refused DATABASE_GATE_URL \(.+\): correct /)
    await expectOneSentence(owner, /^The database refused DATABASE_MIGRATE_URL \(.+\): correct /)
  })

  it('says that the database has no connection left', async () => {
    const full = await createDatabase()
    try {
      const name = new URL(full.ownerUrl).pathname.slice(1)
      await withClient(database.ownerUrl, (client) => client.query(`alter database ${name} connection limit 0`))
      const program = start(onDatabase({ DATABASE_URL: full.appUrl }))
      await expectOneSentence(program, /^The database of DATABASE_URL has no connection left \(.+\): /)
    } finally {
      await full.drop()
    }
  })

  it.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', /^Nobody known signed .* sslrootcert=/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /^Nobody known signed /],
    ['CERT_HAS_EXPIRED', /is not valid today .*: renew it/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /is for another name /],
    ['57P03', /is starting or stopping .*: try again/],
    ['25006', /takes no writes .*: let it lead to the primary/],
    ['53100', /^The disk of the database of DATABASE_URL is full/],
  ])('has a sentence for %s', (code, sentence) => {
    expect(explainStartFailure(Object.assign(new Error('said'), { code }))).toMatch(sentence)
  })

  it('offers the embedded database outside production alone', async () => {
    const DATABASE_URL = 'postgres://app:canary@127.0.0.1:1/app'
    const production = start(onDatabase({ NODE_ENV: 'production', DATABASE_URL, ALLOW_WEAK_HASHING: 'true' }))
    await expectOneSentence(production, /start it or correct the address\.\n$/)
    await expectOneSentence(start(onDatabase({ DATABASE_URL })), /or unset DATABASE_URL to use the embedded one\.\n$/)
  })

  it.each(['DATABASE_URL', 'DATABASE_GATE_URL'])('says that %s is too powerful in production', async (variable) => {
    const program = start(
      onDatabase({ NODE_ENV: 'production', [variable]: database.ownerUrl, ALLOW_WEAK_HASHING: 'true' }),
    )
    await expectOneSentence(program, new RegExp(`^${variable} signs in as owner, which owns tables`))
  })

  it('says what is wrong with its data folder', async () => {
    const folder = await newFolder()
    const file = join(folder, 'file')
    await writeFile(file, '')
    const below = start({ NODE_ENV: 'test', ...weakHashing, DATA_DIR: join(file, 'data') })
    const secretKnown = start({ NODE_ENV: 'test', JWT_SECRET, ...weakHashing, DATA_DIR: join(file, 'data') })
    const { code, errors } = await below.ended
    expect([code, errors]).toEqual([1, expect.stringContaining(file)])
    expect(errors).not.toMatch(/^\s+at /m)
    await expectOneSentence(secretKnown, /DATABASE_URL/)
  })

  it('says that it may not write its data folder', async () => {
    const folder = await newFolder()
    await chmod(folder, 0o555)
    const isRoot = process.getuid?.() === 0
    const environment = { NODE_ENV: 'test', JWT_SECRET, ...weakHashing, DATA_DIR: join(folder, 'data') }
    const program = start(environment, { isPowerless: isRoot })
    await expectOneSentence(program, /The folder .*tsforge-startup-.* may not be read or written by this user; /)
  })
})

describe('a server on its own database', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsforge-startup-'))
    // Where root runs the tests the database is another user's, and would be put where that user gets to.
    await chmod(folder, 0o711)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const portOfDatabase = async () => JSON.parse(await readFile(join(folder, 'postgres/cluster.json'), 'utf8')).port
  const isDatabaseUp = async () => {
    const client = new RawHttp(await portOfDatabase())
    const isUp = await Promise.race([
      client.closed.then(() => false),
      new Promise<boolean>((resolve) => client.socket.once('connect', () => resolve(true))),
    ])
    client.socket.destroy()
    return isUp
  }
  const post = (url: string, path: string, body: object) =>
    fetch(`${url}/api/v1/auth/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })

  it('keeps accounts and sessions through SIGKILL and through a good end, and stops the database with itself', {
    timeout: 90_000,
  }, async () => {
    const environment = { NODE_ENV: 'test', ...weakHashing, DATA_DIR: folder }
    const account = { email: `${randomUUID()}@example.org`, password: 'correct horse battery', name: 'Ada' }
    const first = start(environment)
    const registered = await post(await first.ready, 'register', account)
    const { data } = (await registered.json()) as { data: { tokens: { access_token: string } } }
    expect(registered.status).toBe(201)
    first.kill('SIGKILL')
    expect((await first.ended).signal).toBe('SIGKILL')

    const second = start(environment)
    const url = await second.ready
    expect(await isDatabaseUp()).toBe(true)
    const me = await fetch(`${url}/api/v1/auth/me`, {
      headers: { authorization: `Bearer ${data.tokens.access_token}` },
    })
    expect(me.status).toBe(200)
    second.kill('SIGTERM')
    expect((await second.ended).code).toBe(0)
    expect(await isDatabaseUp()).toBe(false)

    const third = start(environment)
    expect((await post(await third.ready, 'login', account)).status).toBe(200)
    third.kill('SIGTERM')
    expect((await third.ended).code).toBe(0)
  })

  it('leaves no database behind when it cannot listen', async () => {
    const program = start({ NODE_ENV: 'test', ...weakHashing, DATA_DIR: folder, HOST: '203.0.113.1' })
    await expectOneSentence(program, /^HOST is no address of this machine: /)
    expect(await isDatabaseUp()).toBe(false)
  })
})
