import { existsSync } from 'node:fs'
import path from 'node:path'
import { startEmbedded } from '../../../db/embedded/startEmbedded.ts'
import { pendingMigrations } from '../../../db/migrate.ts'
import { MigrationError } from '../../../db/migrationError.ts'
import { withConnection } from '../../../db/oneConnection.ts'
import { inspectRole } from '../../../db/roles.ts'
import type { Config } from '../../config.ts'
import { migrationsOf } from '../../schema.ts'
import { attempt, briefly, type Client } from './attempt.ts'
import { type Finding, failed, inWords, ok, warning } from './finding.ts'
import { checkRoles } from './roles.ts'

/** Where each role connects. */
export interface Addresses {
  readonly app: string
  /** Undefined: app takes the role on. */
  readonly gate: string | undefined
  readonly owner: string
}

/**
 * The database, its roles, its migrations and its clock. An embedded one is started for as long as that takes; none is
 * made, and nothing is migrated.
 */
export const checkDatabase = async (config: Config): Promise<Finding[]> => {
  const { url, gateUrl, migrateUrl } = config.database
  if (url !== undefined) return checkAll(config, { app: url, gate: gateUrl, owner: migrateUrl ?? url })
  if (!existsSync(path.join(config.dataDir, 'postgres')))
    return [ok('database', 'an embedded one, which the first start makes')]
  try {
    const { appUrl, ownerUrl, gateUrl: gate, stop } = await startEmbedded({ dataDir: config.dataDir })
    return await checkAll(config, { app: appUrl, gate, owner: ownerUrl }).finally(stop)
  } catch (error) {
    return [failed('database', inWords(error), 'see the message, and postgres.log in DATA_DIR')]
  }
}

const checkAll = async (config: Config, addresses: Addresses): Promise<Finding[]> => {
  const reached = await checkReachable(addresses.app)
  if (reached.state === 'failed') return [reached]
  return [
    reached,
    ...(await checkRoles(addresses, config.environment === 'production')),
    await attempt('migrations', () => checkMigrations(config, addresses.app)),
    await attempt('clock', () => checkClock(addresses.app)),
    ...(await checkOthers(config)),
  ]
}

const checkReachable = (url: string): Promise<Finding> =>
  attempt(
    'database',
    async () => {
      const startedMs = performance.now()
      const { serverVersion, serverSupported } = await inspectRole(url)
      const found = `PostgreSQL ${serverVersion} at ${placeOf(url)}, answered in ${Math.round(performance.now() - startedMs)} ms`
      return serverSupported ? ok('database', found) : failed('database', found, 'use PostgreSQL 15 or newer')
    },
    'DATABASE_URL',
  )

const checkMigrations = async ({ database, environment }: Config, url: string): Promise<Finding> => {
  try {
    const pending = await pendingMigrations({ url, ...migrationsOf() })
    if (pending.length === 0) return ok('migrations', 'all are applied, and unchanged')
    const found = `${pending.length} pending: ${pending.join(', ')}`
    if (database.migrateOnStart)
      return warning('migrations', found, 'the next start applies them, or `npm run forge -- migrate up`')
    return (environment === 'production' ? failed : warning)('migrations', found, 'run `npm run forge -- migrate up`')
  } catch (error) {
    if (error instanceof MigrationError) return failed('migrations', error.message, 'see the message')
    throw error
  }
}

/** Tokens are dated by this machine's clock, sessions and duties by the database's. */
const skewSeconds = { warning: 1, failed: 30 }

const checkClock = async (url: string): Promise<Finding> => {
  const skew = await withConnection(url, skewOf, briefly)
  const found = `${Math.abs(skew).toFixed(2)} s ${skew < 0 ? 'ahead of' : 'behind'} the database`
  if (Math.abs(skew) < skewSeconds.warning) return ok('clock', found)
  return (Math.abs(skew) < skewSeconds.failed ? warning : failed)('clock', found, 'synchronise both machines by NTP')
}

/** How many seconds the database's clock is ahead; half of the way there and back is taken off. */
const skewOf = async (client: Client): Promise<number> => {
  const sentMs = Date.now()
  const { rows } = await client.query('select extract(epoch from clock_timestamp()) * 1000 as "nowMs"')
  return (Number(rows[0].nowMs) - (sentMs + Date.now()) / 2) / 1000
}

/** What is configured besides the primary. */
const checkOthers = async ({ database: { replicaUrl, listenUrl, url } }: Config): Promise<Finding[]> => [
  ...(replicaUrl === undefined
    ? []
    : [await attempt('replica', () => checkReplica(replicaUrl), 'DATABASE_REPLICA_URL')]),
  ...(listenUrl === undefined || listenUrl === url
    ? []
    : [await attempt('listen', () => checkListen(listenUrl), 'DATABASE_LISTEN_URL')]),
]

const checkReplica = (url: string): Promise<Finding> =>
  withConnection(
    url,
    async (client) => {
      const { rows } = await client.query(`select pg_is_in_recovery() as follows,
        case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
          else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) end as "lagSeconds"`)
      const { follows, lagSeconds } = rows[0]
      if (!follows)
        return warning(
          'replica',
          `${placeOf(url)} follows nobody`,
          'set DATABASE_REPLICA_URL to a standby, or unset it',
        )
      return ok('replica', `${placeOf(url)}, ${Number(lagSeconds ?? 0).toFixed(1)} s behind`)
    },
    briefly,
  )

const checkListen = (url: string): Promise<Finding> =>
  withConnection(
    url,
    async (client) => {
      await client.query('listen tsforge_doctor')
      return ok('listen', placeOf(url))
    },
    briefly,
  )

/** Host, port and database of an address: neither user nor password. */
const placeOf = (url: string): string => {
  const { host, pathname } = new URL(url)
  return `${host || 'a socket'}${pathname}`
}
