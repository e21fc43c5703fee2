import type { Logger } from 'pino'
import { type Database, type DatabaseOptions, openDatabase } from '../db/database.ts'
import type { Config } from './config.ts'
import type { Metrics } from './platform/metrics/metrics.ts'
import type { Tracing } from './platform/tracing/tracing.ts'

/** Where the database is, for the two roles that serve requests. `role` is taken on by SET ROLE when the URL is not its own. */
export interface DatabaseAddresses {
  readonly app: { readonly url: string; readonly role?: 'app' }
  readonly gate: { readonly url: string; readonly role?: 'gate' }
}

export const gateConnections = 3
/** Their reads are short; a request waits for one that runs and for its own. */
const gateTimeoutSeconds = 3

interface Parts {
  readonly config: Config
  readonly addresses: DatabaseAddresses
  readonly metrics: Metrics
  readonly log: Logger
  readonly tracing?: Tracing | undefined
}

/** The connections of this process, by the role they serve as. */
export interface Pools {
  /** Runs the handlers. */
  readonly database: Database
  /** Reads who calls, and the log of events. */
  readonly gateDatabase: Database
  /** One connection that no handler waits for, so that `/readyz` tells of the database and not of the queue for it. */
  readonly probeDatabase: Database
  /** One more pool of the role app, with limits of its own. */
  readonly openApart: (settings: Partial<DatabaseOptions>) => Database
  /** A pool of the role app at the read replica; undefined where there is none. */
  readonly openReplica: ((settings: Partial<DatabaseOptions>) => Database) | undefined
  /** Connections of `database` that calls were given so far. */
  readonly given: () => number
}

export const openPools = (parts: Parts): Pools => {
  let given = 0
  const noteWait = waitOf(parts, 'app')
  const onWaited = (seconds: number) => {
    given++
    noteWait(seconds)
  }
  return {
    database: openDatabase({ ...optionsOf(parts, 'app'), onWaited }),
    gateDatabase: openDatabase({ ...optionsOf(parts, 'gate'), onWaited: waitOf(parts, 'gate') }),
    probeDatabase: openDatabase({ ...optionsOf(parts, 'app'), maxConnections: 1 }),
    openApart: (settings) => openDatabase({ ...optionsOf(parts, 'app'), ...settings }),
    openReplica: parts.config.database.replicaUrl === undefined ? undefined : replicaOpener(parts),
    given: () => given,
  }
}

const replicaOpener = (parts: Parts) => {
  const { replicaUrl: url = '' } = parts.config.database
  const applicationName = `${parts.config.serviceName} replica`
  const onWaited = waitOf(parts, 'replica')
  return (settings: Partial<DatabaseOptions>) =>
    openDatabase({ ...optionsOf(parts, 'app'), url, applicationName, onWaited, ...settings })
}

/** Where a pool says how long its callers waited. */
const waitOf = ({ metrics }: Parts, name: 'app' | 'gate' | 'replica') =>
  metrics.timing('db_client_connection_wait_time_seconds', { db_client_connection_pool_name: name })

const optionsOf = ({ config: { database, serviceName }, addresses, log, tracing }: Parts, name: 'app' | 'gate') => ({
  ...addresses[name],
  maxConnections: name === 'gate' ? gateConnections : database.maxConnections,
  statementCache: database.statementCache,
  applicationName: `${serviceName} ${name}`,
  acquireTimeoutMs: database.acquireTimeoutSeconds * 1000,
  statementTimeoutMs:
    1000 * Math.min(database.statementTimeoutSeconds, name === 'gate' ? gateTimeoutSeconds : Infinity),
  onError: (error: Error) => log.warn({ err: error }, 'database connection lost'),
  observer: tracing?.queries,
})
