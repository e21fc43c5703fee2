import { type AddressInfo, createServer } from 'node:net'
import { getTableName, sql } from 'drizzle-orm'
import { pgTable, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { query } from '../contract/core.ts'
import { migrate, pendingMigrations } from '../db/migrate.ts'
import * as schema from '../db/schema/index.ts'
import { tables as schemaTables } from '../db/tables.ts'
import { createLog } from '../server/log.ts'
import { modules as ownModules } from '../server/modules.ts'
import { consumer } from '../server/platform/consumers/consumer.ts'
import { createModuleLives } from '../server/platform/modules.ts'
import { explainStartFailure } from '../server/platform/startFailure.ts'
import type { AnyModule } from '../server/rpc/module.ts'
import { orderModules } from '../server/rpc/moduleOrder.ts'
import { migrationsOf } from '../server/schema.ts'
import { startApp, type TestApp } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { withClient } from './support/testServer.ts'

const named = (name: string, more: Partial<AnyModule> = {}): AnyModule => ({
  name,
  contract: {},
  handlers: {},
  ...more,
})
const namesOf = (modules: readonly AnyModule[]) => modules.map(({ name }) => name)
const route = (path: `/${string}`) =>
  query({ summary: 's', http: ['GET', path], access: 'public', rate: 'read', tenancy: 'none', output: z.void() })

describe('modules that are listed together', () => {
  it('come behind those they need, else as they are listed', () => {
    const listed = [named('c', { needs: ['b'] }), named('a'), named('b', { needs: ['d'] }), named('d')]
    expect(namesOf(orderModules(listed))).toEqual(['d', 'b', 'c', 'a'])
  })

  const duty = { name: 'x.sweep', schedule: '0 0 * * *', run: async () => ({}) }
  const mailer = consumer({ name: 'mails', topics: ['menu.created'], from: 'now', handle: async () => undefined })
  const table = pgTable('things', { id: text() })
  const vocabulary = { entries: {} }
  const refusals: [string, readonly AnyModule[], Record<string, { entries: object }>, string][] = [
    ['a name', [named('x'), named('x')], {}, 'The name x is taken by a module twice'],
    [
      'a route',
      [
        named('x', { contract: { get: route('/api/v1/x/{id}') } }),
        named('y', { contract: { get: route('/api/v1/x/{name}') } }),
      ],
      {},
      'The route GET /api/v1/x/{} is taken by the module x and by the module y: rename one of them.',
    ],
    ['a table', [named('x', { tables: [table] }), named('y', { tables: [table] })], {}, 'The table things is taken by'],
    ['a duty', [named('x', { duties: [duty, duty] })], {}, 'The duty x.sweep is taken by the module x twice'],
    [
      'a consumer',
      ['x', 'y'].map((name) => named(name, { consumers: [mailer] })),
      {},
      'The consumer mails is taken by the module x and by the module y',
    ],
    [
      'a menu',
      ['x', 'y'].map((name) => named(name, { menus: [{ code: 'home', label: 'H', path: '/' }] })),
      {},
      'The menu home is taken by',
    ],
    [
      'a permission',
      [],
      { x: { ...vocabulary, permissions: { 'users.read': 'r' } } as never },
      'The permission users.read is taken by the built-in features and by the module x',
    ],
    [
      'an error',
      [],
      {
        x: { ...vocabulary, errors: { 'x.e': [400, 's'] } } as never,
        y: { ...vocabulary, errors: { 'x.e': [400, 's'] } } as never,
      },
      'The error x.e is taken by the module x and by the module y',
    ],
    [
      'a topic',
      [],
      { x: { ...vocabulary, topics: { 'menu.created': z.object({}) } } as never },
      'The topic menu.created',
    ],
    [
      'a flag',
      [],
      { x: { ...vocabulary, flags: { registration: { kind: 'boolean' } } } as never },
      'The flag registration is taken by',
    ],
    [
      'what they need',
      [named('x', { needs: ['y', 'z'] }), named('z')],
      {},
      'The module x needs the module y, which is not listed: add it to server/modules.ts.',
    ],
    [
      'a circle of needs',
      [named('x', { needs: ['y'] }), named('y', { needs: ['x'] })],
      {},
      'The modules x -> y -> x need each other in a circle: take one of the needs out.',
    ],
  ]
  it.each(refusals)('are refused for %s, in a sentence', (_what, modules, vocabularies, sentence) => {
    expect(() => orderModules(modules, vocabularies as never)).toThrow(sentence)
    try {
      orderModules(modules, vocabularies as never)
    } catch (error) {
      expect(explainStartFailure(error)).toBe((error as Error).message)
    }
  })

  it('have each table of the schema once, but for those of the platform', () => {
    const owned = ownModules.flatMap(({ tables = [] }) => tables.map((one) => getTableName(one)))
    const platform = ['duties', 'idempotency_keys', 'last_writes', 'rate_limits']
    const all = schemaTables.map((one) => getTableName(one))
    expect(all.filter((name) => !owned.includes(name)).sort()).toEqual(platform)
    expect(() => orderModules([...ownModules, named('x', { tables: [schema.menus] })])).toThrow(
      'The table menus is taken by the module menus and by the module x',
    )
  })

  it('are told of everything that is wrong at once', () => {
    const listed = [named('x', { needs: ['y'] }), named('x', { needs: ['z'] })]
    expect(() => orderModules(listed)).toThrow(/needs the module y.*\n.*needs the module z/)
  })
})

describe('the life of modules', () => {
  const lives = async (...modules: AnyModule[]) => {
    const lines: string[] = []
    const log = await createLog({ logLevel: 'info', environment: 'test', serviceName: 'test' } as never, {
      write: (line) => void lines.push(line),
    })
    return { ...createModuleLives(modules, { database: {} as never, log }), lines }
  }
  const noting = (name: string, notes: string[], more: Partial<AnyModule> = {}) =>
    named(name, { start: () => void notes.push(`+${name}`), stop: () => void notes.push(`-${name}`), ...more })

  it('begins in order and ends in reverse', async () => {
    const notes: string[] = []
    const { start, stop } = await lives(noting('a', notes), named('quiet'), noting('b', notes))
    await start()
    await stop()
    await stop()
    expect(notes).toEqual(['+a', '+b', '-b', '-a'])
  })

  it('ends where one does not start, with those before it stopped', async () => {
    const notes: string[] = []
    const failing = noting('b', notes, { start: () => Promise.reject(new Error('no licence: set LICENCE')) })
    const { start } = await lives(noting('a', notes), failing, noting('c', notes))
    await expect(start()).rejects.toThrow('The module b did not start: no licence: set LICENCE')
    expect(notes).toEqual(['+a', '-a'])
  })

  it('goes on stopping where one fails to', async () => {
    const notes: string[] = []
    const failing = noting('b', notes, { stop: () => Promise.reject(new Error('stuck')) })
    const { start, stop, lines } = await lives(noting('a', notes), failing)
    await start()
    await stop()
    expect([notes, lines.some((line) => line.includes('stuck') && line.includes('"module":"b"'))]).toEqual([
      ['+a', '+b', '-a'],
      true,
    ])
  })

  it('tells how each is, also where a check fails', async () => {
    const { health } = await lives(
      named('a'),
      named('b', { health: async () => undefined }),
      named('c', { health: async () => 'the printer is out of paper' }),
      named('d', { health: () => Promise.reject(new Error('no answer')) }),
    )
    expect(await health()).toEqual([
      { name: 'a', healthy: true },
      { name: 'b', healthy: true },
      { name: 'c', healthy: false, detail: 'the printer is out of paper' },
      { name: 'd', healthy: false, detail: 'no answer' },
    ])
  })

  it('waits two seconds for checks that do not answer, for all of them at once', async () => {
    const asked: string[] = []
    const silent = (name: string) =>
      named(name, {
        health: () => {
          asked.push(name)
          return new Promise<never>(() => {})
        },
      })
    const { health } = await lives(silent('a'), silent('b'))
    const answer = health()
    expect(asked).toEqual(['a', 'b'])
    const detail = 'did not answer within 2 seconds'
    expect(await answer).toEqual(['a', 'b'].map((name) => ({ name, healthy: false, detail })))
  })
})

describe('a server with modules', () => {
  const notes: string[] = []
  let isWell = true
  let app: TestApp
  let striking = () => {}
  let strike = () => {}
  const isStriking = new Promise<void>((resolve) => {
    striking = resolve
  })
  const struck = new Promise<void>((resolve) => {
    strike = resolve
  })
  beforeAll(async () => {
    const own = named('clock', {
      contract: { now: route('/api/v1/clock'), strike: route('/api/v1/clock/strike') },
      handlers: {
        now: async () => undefined,
        strike: async () => {
          striking()
          await struck
          notes.push('call')
        },
      },
      needs: ['auth'],
      start: ({ log }) => {
        notes.push('start')
        log.info('the clock is wound up')
      },
      stop: async ({ database: { db } }) => {
        notes.push('stop')
        const { rows } = await db.execute(sql`select 'stopped' as note`)
        notes.push(String(rows[0]?.note))
      },
      health: async () => (isWell ? undefined : 'the clock is slow'),
    })
    app = await startApp({ modules: [own] })
  })

  it('serves them, tells of them, and answers 503 when one is unwell', async () => {
    expect((await app.request('GET', '/api/v1/clock')).status).toBe(204)
    expect((await app.request('GET', '/admin/modules')).body.data).toContain('clock')
    expect(app.logged.some((line) => line.includes('"module":"clock"'))).toBe(true)
    const well = await app.request('GET', '/admin/healthz')
    expect([well.status, well.body.data.modules]).toEqual([
      200,
      expect.arrayContaining([{ name: 'clock', healthy: true }]),
    ])
    isWell = false
    const unwell = await app.request('GET', '/admin/healthz')
    expect([unwell.status, unwell.body.error.code, unwell.body.error.meta.reason]).toEqual([
      503,
      'unavailable',
      'unhealthy: clock',
    ])
    expect(unwell.body.error.meta.modules).toContainEqual({
      name: 'clock',
      healthy: false,
      detail: 'the clock is slow',
    })
    expect((await app.request('GET', '/readyz')).status).toBe(200)
  })

  it('stops them again when it cannot listen', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const { port } = holder.address() as AddressInfo
    const said: string[] = []
    const own = named('brief', { start: () => void said.push('start'), stop: () => void said.push('stop') })
    const starting = startApp({ modules: [own], environment: { PORT: String(port) } })
    await expect(starting).rejects.toThrow()
    expect(said).toEqual(['start', 'stop'])
    await new Promise((resolve) => holder.close(resolve))
  })

  it('starts them before the first call and stops them behind the last one, with the database still there', async () => {
    expect(notes).toEqual(['start'])
    const last = app.request('GET', '/api/v1/clock/strike')
    await isStriking
    const closing = app.close()
    strike()
    expect((await last).status).toBe(204)
    await closing
    expect(notes).toEqual(['start', 'call', 'stop', 'stopped'])
  })
})

describe('the migrations of modules', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase()
  })
  afterAll(() => database.drop())

  it('have their own numbers, come behind the project’s, and stay when the module goes', async () => {
    const url = database.ownerUrl
    const own = { name: 'shop', migrations: [{ name: '0001_goods', sql: 'create table goods (id text)' }] }
    const { migrations, modules = [] } = migrationsOf()
    const lists = { url, migrations, modules: [...modules, own] }
    expect(await pendingMigrations(lists)).toEqual(['shop/0001_goods'])
    expect((await migrate(lists)).applied).toEqual(['shop/0001_goods'])
    expect((await migrate(lists)).applied).toEqual([])
    expect((await migrate({ url, migrations, modules })).applied).toEqual([])
    const more = {
      ...own,
      migrations: [...own.migrations, { name: '0002_price', sql: 'alter table goods add price int' }],
    }
    expect((await migrate({ ...lists, modules: [...modules, more] })).applied).toEqual(['shop/0002_price'])
    const changed = {
      ...own,
      migrations: [{ name: '0001_goods', sql: 'create table goods (id int)' }, more.migrations[1]],
    }
    await expect(migrate({ ...lists, modules: [...modules, changed as never] })).rejects.toThrow(
      'shop/0001_goods was changed',
    )
    await withClient(url, (client) => client.query("delete from schema_migrations where name like 'shop/%'"))
  })

  it('are numbered without gaps for themselves', () => {
    const gap = { name: 'shop', migrations: [{ name: '0002_goods', sql: '' }] }
    return expect(migrate({ url: database.ownerUrl, migrations: [], modules: [gap] })).rejects.toThrow('0001 is due')
  })
})
