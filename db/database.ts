import type { PoolConfig } from 'pg'
import { cancellableDb } from './cancellableDb.ts'
import type { Cancellation } from './cancellation.ts'
import { type Db, dbOver, forgoStatementCache } from './client.ts'
import { observeQueries, type QueryObserver } from './observe.ts'
import { keepAliveAfterMs } from './oneConnection.ts'
import { runReadAs } from './readAs.ts'
import type { Scope } from './tenant.ts'
import { TimedPool } from './timedPool.ts'
import { runTransaction } from './transaction.ts'

export interface DatabaseOptions {
  readonly url: string
  /** Taken on as every connection begins, as `SET ROLE` does; the role of `url` must be a member of it. */
  readonly role?: string | undefined
  readonly maxConnections: number
  /** False where connections are shared between sessions, as by PgBouncer in transaction mode. */
  readonly statementCache: boolean
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  /** How long a query waits for a connection. */
  readonly acquireTimeoutMs: number
  /**
   * What PostgreSQL ends a statement after; undefined leaves it to the server's settings. Half a second later a
   * statement without an answer is given up together with its connection: of packets that vanish no server knows.
   */
  readonly statementTimeoutMs?: number | undefined
  /** Told of connections lost while nobody used them. */
  readonly onError: (error: Error) => void
  /** Told how long each call waited for a connection. */
  readonly onWaited?: (seconds: number) => void
  /** Sees every statement and every transaction. */
  readonly observer?: QueryObserver | undefined
}

export interface Database {
  readonly db: Db
  /** The same for one call: what it runs can be ended from outside. */
  readonly dbFor: (cancellation: Cancellation) => Db
  /**
   * Runs `work` as one unit and commits; what it throws rolls back and is thrown on. A serialization failure or a
   * deadlock runs it again, up to three times in all. Throws TransactionAborted when the COMMIT came to nothing.
   */
  readonly transaction: <T>(work: (tx: Db) => Promise<T>, scope?: Scope, cancellation?: Cancellation) => Promise<T>
  /** Runs one query in a read-only transaction of the scope, in one round trip. */
  readonly readAs: <T>(scope: Scope, query: (db: Db) => Promise<T>, cancellation?: Cancellation) => Promise<T>
  /** Ends all connections once the work on them is done; more calls wait for the same. */
  readonly close: () => Promise<void>
  /** Connections that are open, those of them at rest, and calls that wait for one. */
  readonly stats: () => { readonly total: number; readonly idle: number; readonly waiting: number }
}

const idleMs = 30_000
const answerGraceMs = 500
/** A client that died without a word must not hold the locks of its transaction for ever. */
const idleInTransactionMs = 60_000
/** Connections are renewed, so that a failover or a new pg_hba.conf reaches them all in time. */
const lifetimeSeconds = 1_800

/** A pool of connections; none is opened before the first query. */
export function openDatabase(options: DatabaseOptions): Database {
  const { observer } = options
  const pool = new TimedPool(poolConfig(options), options.onWaited ?? (() => {}), observer)
  const settings = sharedSettings(options)
  let closed: Promise<void> | undefined
  // The server ends connections that are being closed anyway, when it goes down with us.
  pool.on('error', (error) => void (closed ?? options.onError(error)))
  // A checked-out connection that is lost fails the query at hand; without a listener it would end the process too.
  pool.on('connect', (client) => {
    client.on('error', () => {})
    if (!options.statementCache) forgoStatementCache(client)
    if (observer) observeQueries(client, observer)
  })
  if (!options.statementCache) forgoStatementCache(pool)
  return {
    db: dbOver(pool),
    dbFor: (cancellation) => cancellableDb(pool, cancellation),
    transaction(work, scope = {}, cancellation) {
      const run = () => runTransaction(pool, work, { ...scope, settings, cancellation })
      return observer ? observer.transaction(run) : run()
    },
    readAs: (scope, query, cancellation) => runReadAs(pool, { ...scope, settings, cancellation }, query),
    close() {
      closed ??= pool.end()
      return closed
    },
    stats: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
  }
}

function poolConfig(options: DatabaseOptions): PoolConfig {
  return {
    connectionString: options.url,
    max: options.maxConnections,
    connectionTimeoutMillis: options.acquireTimeoutMs,
    idleTimeoutMillis: idleMs,
    maxLifetimeSeconds: lifetimeSeconds,
    application_name: options.applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveAfterMs,
    pipeline: true,
    ...ownSettings(options),
  }
}

/** What a connection is told as it begins. A pooler refuses most of it, because its connections serve many. */
function ownSettings({ role, statementTimeoutMs, statementCache }: DatabaseOptions): PoolConfig {
  return {
    ...(role === undefined ? {} : { options: `-c role=${role}` }),
    ...(statementTimeoutMs === undefined ? {} : { query_timeout: statementTimeoutMs + answerGraceMs }),
    ...(statementCache ? { idle_in_transaction_session_timeout: idleInTransactionMs } : {}),
    ...(statementTimeoutMs === undefined || !statementCache ? {} : { statement_timeout: statementTimeoutMs }),
  }
}

/** What every transaction is told instead where connections are shared. */
function sharedSettings({ statementTimeoutMs, statementCache }: DatabaseOptions): readonly string[] {
  if (statementCache) return []
  const idleLimit = `set local idle_in_transaction_session_timeout = ${idleInTransactionMs}`
  if (statementTimeoutMs === undefined) return [idleLimit]
  return [idleLimit, `set local statement_timeout = ${Math.trunc(statementTimeoutMs)}`]
}
