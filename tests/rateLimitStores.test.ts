import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../server/config.ts'
import { type Account, password, register } from './support/accounts.ts'
import { startApp, type TestApp } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { hasRedis, type RedisServer, startRedis } from './support/redis.ts'

const isInstalled = hasRedis()
if (!isInstalled) console.warn('skipped on Redis: it is not installed (apt-get install redis-server)')

const nowhere = (app: TestApp) => app.request('GET', '/nowhere')
const me = (app: TestApp, { accessToken }: Account) => app.request('GET', '/api/v1/auth/me', { token: accessToken })
const signIn = (app: TestApp, email: string, secret: string) =>
  app.request('POST', '/api/v1/auth/login', { body: { email, password: secret } })
const statusesOf = async (replies: readonly Promise<{ status: number }>[]) =>
  (await Promise.all(replies)).map(({ status }) => status)
const count = <T>(list: readonly T[], wanted: T) => list.filter((item) => item === wanted).length
const linesOf = (app: TestApp, text: string) => app.logged.filter((line) => line.includes(text))
const away = 'the store of rate limits is away'
const back = 'the store of rate limits is back'

let database: TestDatabase
let redis: RedisServer | undefined
const running: TestApp[] = []
beforeAll(async () => {
  if (isInstalled) redis = await startRedis()
})
beforeEach(async () => {
  database = await createDatabase()
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()))
  await database.drop()
})
afterAll(() => redis?.stop())

type Kind = 'postgres' | 'redis'
let services = 0

/** So many servers on one database and one store. */
const startApps = async (kind: Kind, number: number, perMinute: number): Promise<TestApp[]> => {
  // A Redis outlives the database of a test, so each test is a service of its own there.
  services += 1
  const environment = {
    RATE_LIMIT_STORE: kind,
    RATE_LIMIT_PER_MINUTE: String(perMinute),
    SERVICE_NAME: `tsforge-${services}`,
    ...(kind === 'redis' ? { REDIS_URL: redis?.url ?? '' } : {}),
  }
  const apps = await Promise.all(Array.from({ length: number }, () => startApp({ database, environment })))
  running.push(...apps)
  return apps
}

const startTwo = async (kind: Kind, perMinute: number): Promise<[TestApp, TestApp]> => {
  const [one, other] = await startApps(kind, 2, perMinute)
  if (!one || !other) throw new Error('two servers were to start')
  return [one, other]
}

const startOne = async (kind: Kind, perMinute: number): Promise<TestApp> => {
  const [app] = await startApps(kind, 1, perMinute)
  if (!app) throw new Error('a server was to start')
  return app
}

/** What the store holds, by key. */
const keysIn = async (kind: Kind, app: TestApp): Promise<string[]> => {
  if (kind === 'postgres') return (await app.sql('select key from rate_limits')).map(({ key }) => String(key))
  const client = new Redis(redis?.url ?? '')
  const keys = await client.keys(`tsforge-${services}:*`)
  client.disconnect()
  return keys
}

/** Takes the store away; returns how to give it back. */
const takeAway = async (kind: Kind, app: TestApp): Promise<() => Promise<unknown>> => {
  if (kind === 'redis') {
    await redis?.kill()
    return async () => redis?.startAgain()
  }
  await app.sql('alter table rate_limits rename to rate_limits_gone')
  return () => app.sql('alter table rate_limits_gone rename to rate_limits')
}

/** Makes the store say nothing at all; returns how to make it speak again. */
const silence = async (kind: Kind, app: TestApp): Promise<() => unknown> => {
  if (kind === 'postgres') return app.hold('lock table rate_limits in access exclusive mode')
  redis?.signal('SIGSTOP')
  return () => redis?.signal('SIGCONT')
}

describe.each<Kind>(isInstalled ? ['postgres', 'redis'] : ['postgres'])('RATE_LIMIT_STORE=%s', (kind) => {
  it('is one budget for all servers', async () => {
    const apps = await startTwo(kind, 20)
    const statuses = await statusesOf(Array.from({ length: 40 }, (_, index) => nowhere(apps[index % 2 ? 1 : 0])))
    expect([count(statuses, 404), count(statuses, 429)]).toEqual([20, 20])
    for (const app of apps) {
      const refused = await nowhere(app)
      expect([refused.status, refused.body.error.code]).toEqual([429, 'rate_limited'])
      const seconds = Number(refused.headers.get('retry-after'))
      expect(seconds).toBeGreaterThanOrEqual(1)
      expect(seconds).toBeLessThanOrEqual(60)
    }
  })

  it('tells at each server what is left after the calls at the other', async () => {
    const [one, other] = await startTwo(kind, 100)
    const account = await register(one)
    expect((await me(one, account)).headers.get('ratelimit')).toMatch(/^"read";r=599;t=\d+$/)
    expect((await me(other, account)).headers.get('ratelimit')).toMatch(/^"read";r=598;t=\d+$/)
    expect((await me(one, account)).headers.get('ratelimit')).toMatch(/^"read";r=597;t=\d+$/)
  })

  it('counts the guesses of an account at all servers, and gives those back that were right', async () => {
    const apps = await startTwo(kind, 100)
    const account = await register(apps[0])
    const [one, other] = apps
    for (let round = 0; round < 6; round += 1) {
      expect((await signIn(round % 2 ? one : other, account.email, password)).status).toBe(200)
    }
    const wrong = await statusesOf(
      Array.from({ length: 10 }, (_, index) => signIn(apps[index % 2 ? 1 : 0], account.email, 'no')),
    )
    expect(new Set(wrong)).toEqual(new Set([401]))
    for (const app of apps) {
      expect((await signIn(app, account.email, password)).body.error.code).toBe('user.invalid_credentials')
      expect((await me(app, account)).status).toBe(200)
    }
  })

  it('holds neither e-mails nor tokens', async () => {
    const app = await startOne(kind, 100)
    const account = await register(app)
    await signIn(app, account.email, 'wrong')
    await me(app, account)
    const keys = await keysIn(kind, app)
    const kindsOfKeys = new Set(keys.map((key) => /(?:^|:)(address|credential|guess|read):/.exec(key)?.[1]))
    expect(kindsOfKeys).toEqual(new Set(['address', 'credential', 'guess', 'read']))
    for (const secret of [account.email, account.email.split('@')[0], account.accessToken, account.refreshToken]) {
      expect(keys.join()).not.toContain(secret)
    }
  })

  it('goes on in the memory of each server while the store is away, says so once, and comes back', async () => {
    const app = await startOne(kind, 5)
    const giveBack = await takeAway(kind, app)
    const statuses = await statusesOf(Array.from({ length: 15 }, () => nowhere(app)))
    expect([count(statuses, 404), count(statuses, 429)]).toEqual([5, 10])
    expect(linesOf(app, away)).toHaveLength(1)
    await giveBack()
    while (linesOf(app, back).length === 0) expect([404, 429]).toContain((await nowhere(app)).status)
    expect([linesOf(app, away).length, linesOf(app, back).length]).toEqual([1, 1])
    expect(await keysIn(kind, app)).toHaveLength(1)
  })

  it('goes on while the store says nothing, for everybody', async () => {
    const app = await startOne(kind, 50)
    const account = await register(app)
    const speak = await silence(kind, app)
    try {
      expect(await statusesOf([nowhere(app), me(app, account), nowhere(app)])).toEqual([404, 200, 404])
      expect((await signIn(app, account.email, password)).status).toBe(200)
      expect(linesOf(app, away)).toHaveLength(1)
    } finally {
      await speak()
    }
  })
})

describe('the table rate_limits', () => {
  it('is not written for a budget that is used up', async () => {
    const app = await startOne('postgres', 5)
    const statuses = []
    for (let calls = 0; calls < 12; calls += 1) statuses.push((await nowhere(app)).status)
    expect([count(statuses, 404), count(statuses, 429)]).toEqual([5, 7])
    expect(await app.sql('select points from rate_limits')).toEqual([{ points: 5 }])
  })

  it('is rid of what has expired', async () => {
    const app = await startOne('postgres', 5)
    await app.sql(`insert into rate_limits values ('address:old', 3, 1), ('address:young', 3, $1)`, [Date.now() + 1e6])
    await startOne('postgres', 5)
    expect(await keysIn('postgres', app)).toEqual(['address:young'])
  })
})

describe.runIf(isInstalled)('a Redis', () => {
  it('that is away or silent does not keep a server from starting', async () => {
    await redis?.kill()
    const app = await startOne('redis', 5)
    expect([linesOf(app, away).length, (await nowhere(app)).status]).toEqual([1, 404])
    await redis?.startAgain()
    redis?.signal('SIGSTOP')
    try {
      expect((await nowhere(await startOne('redis', 5))).status).toBe(404)
    } finally {
      redis?.signal('SIGCONT')
    }
  })
})

describe('the configuration of the store', () => {
  const read = (environment: Record<string, string>) => readConfig(environment, () => 'x'.repeat(32))
  const problems = (environment: Record<string, string>): string[] => {
    try {
      read(environment)
      return []
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return error.problems.map(({ name }) => name)
    }
  }

  it('is memory unless it says otherwise', () => {
    expect(read({}).limits.store).toEqual({ kind: 'memory' })
    expect(read({ RATE_LIMIT_STORE: 'postgres' }).limits.store).toEqual({ kind: 'postgres' })
    const url = 'rediss://:hunter2@redis.example:6380/2'
    expect(read({ RATE_LIMIT_STORE: 'redis', REDIS_URL: url }).limits.store).toEqual({ kind: 'redis', url })
  })

  it('names a Redis that is missing or is none beside everything else that is wrong', () => {
    expect(problems({ RATE_LIMIT_STORE: 'redis', PORT: 'x' }).sort()).toEqual(['PORT', 'REDIS_URL'])
    expect(problems({ RATE_LIMIT_STORE: 'redis', REDIS_URL: 'http://redis:6379' })).toEqual(['REDIS_URL'])
    expect(problems({ RATE_LIMIT_STORE: 'memcached' })).toEqual(['RATE_LIMIT_STORE'])
  })

  it('warns of several workers that each count for themselves', () => {
    const warnings = (more: Record<string, string>) => read({ CLUSTER_WORKERS: '3', ...more }).warnings
    expect(warnings({})).toEqual([expect.stringContaining('admit up to 3 times as much')])
    expect(warnings({ RATE_LIMIT_STORE: 'postgres' })).toEqual([])
    expect(warnings({ RATE_LIMIT_PER_MINUTE: '0' })).toEqual([])
    expect(read({}).warnings).toEqual([])
  })

  it('says in one sentence that ioredis is not installed, and how to go on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsforge-without-'))
    try {
      const program = `import { readConfig } from './server/config.ts'
        try { readConfig({ RATE_LIMIT_STORE: 'redis' }, () => 'x') } catch (error) { console.log(error.message) }`
      const resolveDir = join(import.meta.dirname, '..')
      const outfile = join(folder, 'program.mjs')
      await build({ stdin: { contents: program, resolveDir }, outfile, bundle: true, platform: 'node', format: 'esm' })
      const { stdout } = await promisify(execFile)(process.execPath, [outfile])
      expect(stdout).toContain('2 configuration problems.')
      expect(stdout).toMatch(/RATE_LIMIT_STORE\n.*\n +found: +redis, without the package\n +fix: +install it/)
      expect(stdout).toMatch(/REDIS_URL\n/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
