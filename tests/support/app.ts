import pg from 'pg'
import { inject } from 'vitest'
import type { FlagTable } from '../../contract/flagTable.ts'
import { type App, createApp } from '../../server/app.ts'
import { readConfig } from '../../server/config.ts'
import { chooseAdapter } from '../../server/http/adapter.ts'
import { createLog } from '../../server/log.ts'
import { modules } from '../../server/modules.ts'
import type { AnyModule } from '../../server/rpc/module.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { through } from './pgbouncer.ts'
import { createRequest, type SendRequest } from './request.ts'

export interface AppSettings {
  readonly adapter?: 'uws' | 'node'
  readonly accessTtlSeconds?: number
  /** Variables as an operator would set them. */
  readonly environment?: Readonly<Record<string, string>>
  /** Where the server is to find a database instead: behind a proxy, for instance. `sql` goes there directly. */
  readonly reroute?: (url: string, role: 'app' | 'gate') => string
  /** Shared with other instances of the server, and dropped by whoever made it. */
  readonly database?: TestDatabase
  /** Besides those of the server; one of the same name takes the place of the server's. */
  readonly modules?: readonly AnyModule[]
  /** In place of those of the contract. */
  readonly flags?: FlagTable
}

export interface TestApp {
  readonly url: string
  readonly request: SendRequest
  /** Runs SQL as the owner of the schema, to look behind the server or to move time. */
  readonly sql: (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>
  /** Runs SQL as the owner in a transaction that stays open and so holds what it locks; returns how to commit it. */
  readonly hold: (text: string, values?: unknown[]) => Promise<() => Promise<void>>
  /** Resolves when so many statements on this database wait for a lock. */
  readonly untilBlocked: (count: number) => Promise<void>
  /** Everything logged so far, one JSON line each. */
  readonly logged: readonly string[]
  /** Sets the clock of the process; the database keeps its own. */
  readonly setTime: (time: Date | null) => void
  /** What the server's connection pools hold. */
  readonly pools: App['pools']
  /** Scheduled work, which tests ask for; by itself nothing runs here. */
  readonly duties: App['duties']
  /** Takes partitions and renews leases now, which it does once a second besides. */
  readonly consumers: App['consumers']
  /** Resolves when everything committed so far is numbered and has been read by this instance. */
  readonly caughtUp: () => Promise<void>
  /** In development alone. */
  readonly recorder: App['recorder']
  readonly close: () => Promise<void>
}

/** Every test of the HTTP surface runs on both. */
export const adapters: readonly ('uws' | 'node')[] =
  (await chooseAdapter('auto')).name === 'uws' ? ['uws', 'node'] : ['node']
if (adapters.length === 1) console.warn('skipped on uWebSockets.js: it has no binary for this Node')

const secret = 'a signing secret for tests, 32 bytes or more'

/** The real app on a real database of its own, listening on a free port. */
export const startApp = async (settings: AppSettings = {}): Promise<TestApp> => {
  const database = settings.database ?? (await createDatabase())
  const bouncer = settings.reroute === undefined ? inject('pgBouncerPort') : undefined
  const { reroute = bouncer === undefined ? (url: string) => url : through(bouncer) } = settings
  const config = readConfig(
    {
      NODE_ENV: 'test',
      PORT: '0',
      HTTP_ADAPTER: settings.adapter ?? 'auto',
      RATE_LIMIT_PER_MINUTE: '0',
      // A machine that is busy with other tests sheds nothing here, unless a test asks for it.
      MAX_CALLS_RUNNING: '10000',
      MAX_LOOP_DELAY_MILLISECONDS: '60000',
      ARGON2_MEMORY_KIB: '256',
      ARGON2_ITERATIONS: '1',
      ARGON2_PARALLELISM: '1',
      LOG_LEVEL: 'debug',
      ACCESS_TTL_SECONDS: String(settings.accessTtlSeconds ?? 900),
      DATABASE_MAX_CONNECTIONS: '6',
      RUN_DUTIES: 'false',
      DATABASE_STATEMENT_CACHE: String(bouncer === undefined),
      ...settings.environment,
      ...(bouncer !== undefined && settings.environment?.DATABASE_URL ? { DATABASE_GATE_URL: database.gateUrl } : {}),
    },
    () => secret,
    settings.flags,
  )
  const added = settings.modules ?? []
  const logged: string[] = []
  let time: Date | null = null
  const app = await createApp({
    config,
    addresses: { app: { url: reroute(database.appUrl, 'app') }, gate: { url: reroute(database.gateUrl, 'gate') } },
    log: await createLog(config, { write: (line) => void logged.push(line) }),
    version: '0.0.0',
    now: () => time ?? new Date(),
    modules: [...modules.filter(({ name }) => !added.some((one) => one.name === name)), ...added],
    ...(settings.flags && { flags: settings.flags }),
  })
  const url = `http://127.0.0.1:${await app.listen()}`
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 3 })
  // A connection at rest that goes with its database must not end the tests.
  owner.on('error', () => {})
  return {
    url,
    request: createRequest(url),
    sql: async (text, values) => (await owner.query(text, values)).rows,
    async hold(text, values) {
      const client = await owner.connect()
      await client.query('begin')
      await client.query(text, values)
      return async () => {
        await client.query('commit')
        client.release()
      }
    },
    async untilBlocked(count) {
      const waiting = `select 1 from pg_locks join pg_stat_activity using (pid)
        where not granted and datname = current_database()`
      while (((await owner.query(waiting)).rowCount ?? 0) < count);
    },
    logged,
    pools: app.pools,
    caughtUp: app.feed.catchUp,
    duties: app.duties,
    consumers: app.consumers,
    recorder: app.recorder,
    setTime(value) {
      time = value
    },
    async close() {
      await app.close(1_000)
      await owner.end()
      if (!settings.database) await database.drop()
    },
  }
}
