import pg from 'pg'
import { createApp } from '../../server/app.ts'
import { readConfig } from '../../server/config.ts'
import { chooseAdapter } from '../../server/http/adapter.ts'
import { createLog } from '../../server/log.ts'
import { createDatabase } from './database.ts'
import { createRequest, type SendRequest } from './request.ts'

export interface AppSettings {
  readonly adapter?: 'uws' | 'node'
  readonly accessTtlSeconds?: number
  /** Variables as an operator would set them. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface TestApp {
  readonly url: string
  readonly request: SendRequest
  /** Runs SQL as the owner of the schema, to look behind the server or to move time. */
  readonly sql: (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>
  /** Everything logged so far, one JSON line each. */
  readonly logged: readonly string[]
  /** Sets the clock of the process; the database keeps its own. */
  readonly setTime: (time: Date | null) => void
  readonly close: () => Promise<void>
}

/** Every test of the HTTP surface runs on both. */
export const adapters: readonly ('uws' | 'node')[] =
  (await chooseAdapter('auto')).name === 'uws' ? ['uws', 'node'] : ['node']
if (adapters.length === 1) console.warn('skipped on uWebSockets.js: it has no binary for this Node')

const secret = 'a signing secret for tests, 32 bytes or more'

/** The real app on a real database of its own, listening on a free port. */
export const startApp = async (settings: AppSettings = {}): Promise<TestApp> => {
  const database = await createDatabase()
  const config = readConfig(
    {
      NODE_ENV: 'test',
      PORT: '0',
      HTTP_ADAPTER: settings.adapter ?? 'auto',
      RATE_LIMIT_PER_MINUTE: '0',
      ARGON2_MEMORY_KIB: '256',
      ARGON2_ITERATIONS: '1',
      ARGON2_PARALLELISM: '1',
      LOG_LEVEL: 'debug',
      ACCESS_TTL_SECONDS: String(settings.accessTtlSeconds ?? 900),
      DATABASE_MAX_CONNECTIONS: '6',
      ...settings.environment,
    },
    () => secret,
  )
  const logged: string[] = []
  let time: Date | null = null
  const app = await createApp({
    config,
    addresses: { app: { url: database.appUrl }, gate: { url: database.gateUrl } },
    log: await createLog(config, { write: (line) => void logged.push(line) }),
    version: '0.0.0',
    now: () => time ?? new Date(),
  })
  const url = `http://127.0.0.1:${await app.listen()}`
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 })
  return {
    url,
    request: createRequest(url),
    sql: async (text, values) => (await owner.query(text, values)).rows,
    logged,
    setTime(value) {
      time = value
    },
    async close() {
      await app.close(1_000)
      await owner.end()
      await database.drop()
    },
  }
}

