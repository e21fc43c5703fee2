import { randomUUID } from 'node:crypto'
import { type ConsumerEffects, consumer, type EventOn } from '../../server/platform/consumers/consumer.ts'
import { type AnyModule, defineModule } from '../../server/rpc/module.ts'
import { registerAdmin } from './accounts.ts'
import { startApp, type TestApp } from './app.ts'
import { createDatabase } from './database.ts'

type MenuTopic = 'menu.created' | 'menu.updated' | 'menu.deleted'
export type MenuEvent = EventOn<MenuTopic>
export type Handle = (event: MenuEvent, effects: ConsumerEffects) => Promise<void>
export type Settings = Partial<Parameters<typeof consumer<MenuTopic>>[0]>

const topics = ['menu.created', 'menu.updated', 'menu.deleted'] as const

/** A consumer of menus, named `test.menus`, that begins with everything there is. */
export const menuConsumer = (handle: Handle, settings: Settings = {}) =>
  consumer<MenuTopic>({ name: 'test.menus', topics, from: 'start', handle, ...settings })

/** What a module of the server is made of, without any entries. */
export const moduleOf = (parts: Pick<AnyModule, 'consumers' | 'on'>): AnyModule =>
  defineModule({ name: `test-${randomUUID()}`, contract: {}, handlers: {}, ...parts })

export const labelOf = (event: MenuEvent): string => ('label' in event.payload ? event.payload.label : '')

/** Resolves when it is true. */
export const until = async (isTrue: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isTrue())) await new Promise(setImmediate)
}

export type ConsumerScene = Awaited<ReturnType<typeof openScene>>

/** A server without consumers, where menus are changed, and instances that consume on the same database. */
export const openScene = async () => {
  const database = await createDatabase()
  const web = await startApp({ database, environment: { RUN_CONSUMERS: 'false' } })
  const admin = await registerAdmin(web)
  const running = new Set<TestApp>()
  const { sql } = web
  const call = async (method: string, path: string, body?: object, headers = {}) =>
    (await web.request(method, `/api/v1${path}`, { token: admin.accessToken, ...(body && { body }), headers })).body
  await sql('create table effects (label text, instance text)')
  await sql('grant insert on effects to app')
  return {
    database,
    web,
    admin,
    sql,
    /** Another instance. */
    async start(modules: readonly AnyModule[], environment: Readonly<Record<string, string>> = {}): Promise<TestApp> {
      const app = await startApp({ database, modules, environment })
      running.add(app)
      return app
    },
    /** Another instance with the consumer of menus. */
    consume(handle: Handle, settings?: Settings): Promise<TestApp> {
      return this.start([moduleOf({ consumers: [menuConsumer(handle, settings)] })])
    },
    async stop(app: TestApp): Promise<void> {
      running.delete(app)
      await app.close()
    },
    async createMenu(label: string, headers = {}): Promise<string> {
      return (await call('POST', '/menus', { code: randomUUID(), label }, headers)).data.id
    },
    renameMenu: (id: string, label: string) => call('PATCH', `/menus/${id}`, { label }),
    /** Rows of the consumers, by name and partition. */
    rows: (columns = '*') => sql(`select ${columns} from event_consumers order by name, partition`),
    /** The row of the partition that has seen the latest failure or takeover. */
    deadLetters: () => sql('select * from event_dead_letters order by consumer, position'),
    effects: async () => (await sql('select label from effects order by label')).map(({ label }) => label),
    /** Ends the instances and empties the log, with everything that stands on it. */
    async clear() {
      await Promise.all([...running].map((app) => app.close()))
      running.clear()
      await web.caughtUp()
      await sql('truncate effects, event_consumers, event_dead_letters, event_workers')
      await sql('delete from events')
      await sql('update event_log set first_position = last_position + 1')
    },
    async close() {
      await Promise.all([...running].map((app) => app.close()))
      await web.close()
      await database.drop()
    },
  }
}
