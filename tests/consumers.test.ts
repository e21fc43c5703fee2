import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ConsumerEffects, consumer, type EventOn } from '../server/platform/consumers/consumer.ts'
import { defineModule } from '../server/rpc/modules.ts'
import { type Account, registerAdmin } from './support/accounts.ts'
import { startApp, type TestApp } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'

type MenuTopic = 'menu.created' | 'menu.updated' | 'menu.deleted'
type MenuEvent = EventOn<MenuTopic>
type Handle = (event: MenuEvent, effects: ConsumerEffects) => Promise<void>
type Settings = Partial<Parameters<typeof consumer<MenuTopic>>[0]>

const topics = ['menu.created', 'menu.updated', 'menu.deleted'] as const

/** A module of one consumer of menus, named `test.menus`. */
const moduleOf = (handle: Handle, settings: Settings = {}) =>
  defineModule({
    name: 'test',
    contract: {},
    handlers: {},
    consumers: [consumer<MenuTopic>({ name: 'test.menus', topics, from: 'start', handle, ...settings })],
  })

describe('a consumer', () => {
  let database: TestDatabase
  const running: TestApp[] = []
  let web: TestApp
  let admin: Account

  beforeAll(async () => {
    database = await createDatabase()
    web = await startApp({ database, environment: { RUN_CONSUMERS: 'false' } })
    admin = await registerAdmin(web)
    await web.sql('create table effects (position bigint, instance text)')
    await web.sql('grant insert on effects to app')
  })
  afterAll(async () => {
    await web.close()
    await database.drop()
  })
  beforeEach(async () => {
    await web.caughtUp()
    await web.sql('truncate effects, event_consumers, event_dead_letters, event_workers')
    await web.sql('delete from events')
    await web.sql('update event_log set first_position = last_position + 1')
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.close()))
  })

  const start = async (handle: Handle, settings?: Settings): Promise<TestApp> => {
    const app = await startApp({ database, modules: [moduleOf(handle, settings)] })
    running.push(app)
    return app
  }
  const create = async (code: string, headers = {}): Promise<string> =>
    (
      await web.request('POST', '/api/v1/menus', {
        token: admin.accessToken,
        body: { code: `${code}-${Math.random()}`, label: code },
        headers,
      })
    ).body.data.id
  const rename = (id: string, label: string) =>
    web.request('PATCH', `/api/v1/menus/${id}`, { token: admin.accessToken, body: { label } })
  const labelOf = (event: MenuEvent) => ('label' in event.payload ? event.payload.label : '')
  const until = async (isTrue: () => boolean | Promise<boolean>) => {
    while (!(await isTrue())) await new Promise(setImmediate)
  }
  const rows = (columns: string) => web.sql(`select ${columns} from event_consumers order by partition`)

  it('is told once of each event of its topics, with tenant, actor, request and trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const seen: MenuEvent[] = []
    await create('before', { traceparent, 'x-request-id': 'told' })
    const app = await start(async (event, { log }) => {
      seen.push(event)
      log.info('seen')
    })
    await until(() => seen.length === 1)
    await create('after')
    await until(() => seen.length === 2)
    expect(seen[0]).toMatchObject({
      topic: 'menu.created',
      tenant_id: null,
      actor_id: admin.id,
      request_id: 'told',
      traceparent,
      payload: { label: 'before' },
    })
    expect(seen.map(labelOf)).toEqual(['before', 'after'])
    const line = JSON.parse(app.logged.find((text) => text.includes('"seen"')) ?? '{}')
    expect(line).toMatchObject({ consumer: 'test.menus', request_id: 'told', trace_id: traceparent.split('-')[1] })
  })

  it('begins behind the log when it is to begin now', async () => {
    const seen: string[] = []
    await create('before')
    await web.caughtUp()
    const app = await start(async (event) => void seen.push(labelOf(event)), { from: 'now' })
    await app.consumers.look()
    await create('after')
    await until(() => seen.length > 0)
    expect(seen).toEqual(['after'])
  })

  it('is worked for by several instances at once, in order for each key and once for each event', async () => {
    const seen: { id: string; label: string; by: number }[] = []
    const busy = new Set<string>()
    const handle =
      (by: number): Handle =>
      async (event) => {
        expect(busy.has(event.target)).toBe(false)
        busy.add(event.target)
        await new Promise(setImmediate)
        seen.push({ id: event.target, label: labelOf(event), by })
        busy.delete(event.target)
      }
    const [one, two] = await Promise.all([start(handle(1)), start(handle(2))])
    await one.consumers.look()
    await two.consumers.look()
    await until(async () => (await rows('holder')).every(({ holder }) => holder !== null))
    await until(async () => new Set((await rows('holder')).map(({ holder }) => holder)).size === 2)
    const ids = await Promise.all(Array.from({ length: 12 }, () => create('0')))
    for (const label of ['1', '2', '3']) await Promise.all(ids.map((id) => rename(id, label)))
    await until(() => seen.length === 48)
    for (const id of ids)
      expect(seen.filter((one) => one.id === id).map(({ label }) => label)).toEqual(['0', '1', '2', '3'])
    expect(new Set(seen.map(({ by }) => by)).size).toBe(2)
  })
})
