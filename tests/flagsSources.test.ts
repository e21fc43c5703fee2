import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../server/config.ts'
import { createFlags } from '../server/platform/flags/flags.ts'
import { type Account, register, registerAdmin } from './support/accounts.ts'
import type { AppSettings, TestApp } from './support/app.ts'
import { callerOf } from './support/caller.ts'
import { until } from './support/consumerScene.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { startFaultProxy } from './support/faultProxy.ts'
import { labFlags, startLabs } from './support/flagScene.ts'

const folder = mkdtempSync(join(tmpdir(), 'tsforge-flags-'))
const file = join(folder, 'flags.json')
/** Written aside and put into place, as a deployment should: nobody sees half of it. */
const write = (values: unknown, path = file) => {
  writeFileSync(`${path}.draft`, typeof values === 'string' ? values : JSON.stringify(values))
  renameSync(`${path}.draft`, path)
}

let database: TestDatabase
let web: TestApp
let admin: Account
let ada: Account
const running: TestApp[] = []

beforeAll(async () => {
  database = await createDatabase()
  web = await startLabs({ database })
  admin = await registerAdmin(web)
  ada = await register(web)
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()))
  await web.sql('delete from flags')
})
afterAll(async () => {
  await web.close()
  await database.drop()
  rmSync(folder, { recursive: true })
})

const start = async (environment: Record<string, string> = {}, more: AppSettings = {}) => {
  const app = await startLabs({ database, environment, ...more })
  running.push(app)
  return app
}
const seen = async (app: TestApp): Promise<{ search: boolean; theme: string }> =>
  (await callerOf(app, ada)('GET', '/labs')).data
const stateOf = async (app: TestApp, name: string) =>
  (await callerOf(app, admin)('GET', '/flag-rules')).data.find((flag: { name: string }) => flag.name === name)
const set = (name: string, body: object) => callerOf(web, admin)('PUT', `/flag-rules/${name}`, body)
const store = (name: string, value: unknown, rules: unknown = []) =>
  web.sql(
    `insert into flags (name, value, rules) values ($1, $2, $3)
     on conflict (name) do update set value = excluded.value, rules = excluded.rules`,
    [name, JSON.stringify(value), JSON.stringify(rules)],
  )

describe('the sources', () => {
  it('decide in their order: environment, file, rule, value, default', async () => {
    write({ 'labs.theme': 'dark' })
    await store('labs.theme', 'loud', [{ users: [ada.id], value: 'plain' }])
    const [all, fromFile, fromDatabase] = await Promise.all([
      start({ FLAG_LABS_THEME: 'loud', FLAGS_FILE: file }),
      start({ FLAGS_FILE: file }),
      start(),
    ])
    expect(await seen(all)).toEqual({ search: false, theme: 'loud' })
    expect(await seen(fromFile)).toEqual({ search: false, theme: 'dark' })
    expect(await seen(fromDatabase)).toEqual({ search: false, theme: 'plain' })
    expect((await callerOf(fromDatabase, admin)('GET', '/labs')).data.theme).toBe('loud')
    expect(await stateOf(all, 'labs.theme')).toMatchObject({ source: 'environment', override: 'loud', value: 'loud' })
    expect(await stateOf(fromFile, 'labs.theme')).toMatchObject({ source: 'file', override: 'dark' })
    expect(await stateOf(fromDatabase, 'labs.theme')).toMatchObject({ source: 'database', override: null })
    expect(await stateOf(fromDatabase, 'labs.search')).toMatchObject({ source: 'default', default: false })
  })

  it('are there before the instance takes its first call', async () => {
    await store('labs.search', true)
    expect((await seen(await start())).search).toBe(true)
  })

  it('pass over rows that say nothing the contract knows', async () => {
    await store('labs.theme', 'pink', [{ value: 'dark' }])
    await store('gone', true)
    await store('labs.search', true, 'nonsense')
    expect(await seen(await start())).toEqual({ search: true, theme: 'plain' })
  })
})

describe('the file', () => {
  const follow = async (path = file) => {
    write({ 'labs.theme': 'dark' })
    const app = await start({ FLAGS_FILE: path })
    expect((await seen(app)).theme).toBe('dark')
    return app
  }
  const untilTheme = (app: TestApp, theme: string) => until(async () => (await seen(app)).theme === theme)

  it('is read again when it is written, replaced, or taken out and put back', async () => {
    const app = await follow()
    writeFileSync(file, '{"labs.theme":"loud"}')
    await untilTheme(app, 'loud')
    write({ 'labs.theme': 'dark' })
    await untilTheme(app, 'dark')
    unlinkSync(file)
    await until(() => app.logged.some((line) => line.includes('FLAGS_FILE is broken (ENOENT)')))
    expect((await seen(app)).theme).toBe('dark')
    write({})
    await untilTheme(app, 'plain')
  })

  it('is followed through a link that is turned to another one', async () => {
    const link = join(folder, 'current')
    write({ 'labs.theme': 'loud' }, join(folder, 'other.json'))
    symlinkSync(file, link)
    const app = await follow(link)
    symlinkSync(join(folder, 'other.json'), `${link}.new`)
    renameSync(`${link}.new`, link)
    await untilTheme(app, 'loud')
  })

  it.each([
    ['{"labs.theme": "lo', 'it is not JSON'],
    ['[]', 'it is no JSON object'],
    ['{"labs.theme": "pink"}', 'labs.theme must be one of [plain dark loud]'],
    ['{"labs.search": "true"}', 'labs.search must be true or false'],
    ['{"labs.serch": true}', '"labs.serch" is no flag of the contract'],
  ])('that is broken (%s) changes nothing and is logged once', async (text, reason) => {
    const app = await follow()
    write(text)
    const complaints = () => app.logged.filter((line) => line.includes('FLAGS_FILE is broken'))
    await until(() => complaints().length > 0)
    expect((await seen(app)).theme).toBe('dark')
    expect(JSON.parse(complaints()[0] ?? '')).toMatchObject({
      level: 50,
      path: file,
      msg: `FLAGS_FILE is broken (${reason}): the flags stay as they were until it is put right`,
    })
    write({ 'labs.theme': 'loud' })
    await untilTheme(app, 'loud')
    expect(complaints()).toHaveLength(1)
  })

  it.each([
    [join(folder, 'nowhere.json'), undefined, 'ENOENT'],
    [file, '{', 'it is not JSON'],
    [file, '{"labs.theme": 1}', 'labs.theme must be one of [plain dark loud]'],
  ])('%s with %s keeps a server from starting', async (path, text, reason) => {
    if (text !== undefined) write(text)
    const error = await startLabs({ database, environment: { FLAGS_FILE: path } }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).problems).toEqual([
      {
        name: 'FLAGS_FILE',
        expected: 'a readable file with a JSON object of flags and their values',
        found: `${path}: ${reason}`,
        fix: 'correct the file, or unset FLAGS_FILE',
      },
    ])
  })
})

it('a FLAG_ variable that is wrong is listed with everything else that is', () => {
  const read = () => readConfig({ NODE_ENV: 'test', PORT: 'x', FLAG_REGISTRATION: 'maybe', FLAG_NOBODY: '1' }, () => '')
  expect(read).toThrow(ConfigError)
  expect(read).toThrow(/FLAG_REGISTRATION\n.*true, false, 1 or 0\n.*"maybe"[\s\S]*FLAG_NOBODY[\s\S]*PORT/)
})

describe('a change', () => {
  it('reaches another instance within a second, which looks by itself once an hour', async () => {
    const other = await start({ FLAGS_TTL_SECONDS: '3600' })
    await other.caughtUp()
    const tookMs: number[] = []
    for (const value of [true, false, true, false, true]) {
      await set('labs.search', { value })
      const answeredAt = performance.now()
      await until(async () => (await seen(other)).search === value)
      tookMs.push(performance.now() - answeredAt)
    }
    console.log(`a change reached the other instance after ${tookMs.map((ms) => ms.toFixed(0)).join(', ')} ms`)
    expect(tookMs.sort((a, b) => a - b)[2]).toBeLessThan(1_000)
  })

  it('that no event tells of is found by the clock', async () => {
    const app = await start({ FLAGS_TTL_SECONDS: '1' })
    await store('labs.theme', 'loud')
    await until(async () => (await seen(app)).theme === 'loud')
  })

  it('of a role or its holders counts with the next call', async () => {
    const app = await start()
    await set('labs.theme', { rules: [{ roles: ['admin'], value: 'dark' }] })
    const themeOf = async (account: Account) => (await callerOf(app, account)('GET', '/labs')).data.theme
    await until(async () => (await themeOf(admin)) === 'dark')
    expect(await themeOf(ada)).toBe('plain')
    await web.sql(`insert into user_roles (user_id, role_id) select $1, id from roles where code = 'admin'`, [ada.id])
    expect(await themeOf(ada)).toBe('dark')
    await web.sql('delete from user_roles where user_id = $1', [ada.id])
    expect(await themeOf(ada)).toBe('plain')
  })

  it('that names roles costs calls a statement, and no other does', async () => {
    const app = await start({ NODE_ENV: 'development', ALLOW_WEAK_HASHING: 'true' })
    const statements = async () => {
      await seen(app)
      const call = app.recorder?.recent().find(({ name }) => name === 'GET /api/v1/labs')
      return call?.spans.filter(({ kind }) => kind === 'client').length
    }
    const least = (await statements()) ?? Number.NaN
    await set('labs.theme', { rules: [{ users: [ada.id], value: 'loud' }] })
    await until(async () => (await seen(app)).theme === 'loud')
    expect(await statements()).toBe(least)
    await set('labs.theme', { rules: [{ roles: ['admin'], value: 'dark' }], value: 'loud' })
    await until(async () => (await statements()) === least + 1)
    await callerOf(web, admin)('DELETE', '/flag-rules/labs.theme')
    await until(async () => (await statements()) === least)
  })
})

describe('without the database', () => {
  const street = async (app: TestApp) => (await app.request('GET', '/api/v1/labs/street')).body.data.theme
  const ready = async (app: TestApp) => {
    const { status, body } = await app.request('GET', '/readyz')
    return status === 200 ? 'ready' : body.error.meta.reason
  }

  it('an instance keeps what it knows, says so once, and follows when the database is back', async () => {
    const proxy = await startFaultProxy(database.appUrl)
    const reroute = (url: string, role: string) => (role === 'app' ? proxy.reroute(url) : url)
    const patience = { DATABASE_ACQUIRE_TIMEOUT_SECONDS: '1', DATABASE_STATEMENT_TIMEOUT_SECONDS: '1' }
    const app = await start({ FLAGS_TTL_SECONDS: '1', ...patience }, { reroute })
    await set('labs.theme', { value: 'loud' })
    await until(async () => (await street(app)) === 'loud')
    proxy.set({ isBlackhole: true })
    const complaints = () => app.logged.filter((line) => line.includes('the flags cannot be read from the database'))
    await until(() => complaints().length > 0)
    expect(await street(app)).toBe('loud')
    await set('labs.theme', { value: 'dark' })
    proxy.set({ isBlackhole: false })
    await until(async () => (await street(app)) === 'dark')
    expect(complaints()).toHaveLength(1)
    await Promise.all(running.splice(0).map((one) => one.close()))
    await proxy.close()
  })

  it('is told of once for each time that it is away, however often it is asked', async () => {
    const warned: string[] = []
    const counts: number[] = []
    let isAway = true
    const readRows = async () => {
      if (isAway) throw new Error('away')
      return []
    }
    const log = { warn: (_: object, message: string) => void warned.push(message) } as unknown as Logger
    const metrics = { watch: () => {} }
    const parts = { table: labFlags, variables: {}, file: undefined, ttlSeconds: 30 }
    const { refresh, isRead } = createFlags({ ...parts, readRows, metrics, log })
    for (const away of [true, true, false, true, true]) {
      isAway = away
      await refresh()
      counts.push(warned.length)
    }
    expect([counts, isRead()]).toEqual([[1, 1, 1, 2, 2], true])
  })

  it('a new instance is not ready before it has read the flags', async () => {
    await store('labs.theme', 'loud')
    await web.sql('revoke select on flags from app')
    const app = await start()
    expect([await ready(app), await street(app)]).toEqual(['flags not read yet', 'plain'])
    await web.sql('grant select on flags to app')
    await until(async () => (await ready(app)) === 'ready')
    expect(await street(app)).toBe('loud')
  })
})
