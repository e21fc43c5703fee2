import type { Logger } from 'pino'
import { RateLimiterPostgres } from 'rate-limiter-flexible'
import { cachesStatements } from '../../../db/client.ts'
import type { Database, DatabaseOptions } from '../../../db/database.ts'
import { inMemory } from './memoryStore.ts'
import { watchOutage } from './outage.ts'
import type { LimitStore } from './store.ts'

const table = 'rate_limits'
const clearEveryMs = 60_000

/**
 * Connections of its own: counting must neither wait behind handlers nor take connections from them. Lost ones show as
 * the outage that is logged at the next call.
 */
export const storeConnections = {
  maxConnections: 4,
  statementTimeoutMs: 3_000,
  onError: () => {},
} as const satisfies Partial<DatabaseOptions>

/** A statement as the limiter makes it. */
interface Statement {
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
}

/**
 * Counts in the table `rate_limits`, shared by every process on the database. `database` is for this alone and is closed
 * with the store. Expired rows are deleted now and each minute. Times are those of the processes, so their clocks must
 * agree.
 */
export const openPostgresStore = async (database: Database, log: Logger): Promise<LimitStore> => {
  const { $client: pool } = database.db
  const outage = watchOutage('postgres', log)
  const query = ({ name, ...statement }: Statement) =>
    outage.through(() => pool.query(name !== undefined && cachesStatements(pool) ? { name, ...statement } : statement))
  const clear = () => query({ text: `delete from ${table} where expire < $1`, values: [Date.now()] }).catch(() => {})
  const clearing = setInterval(clear, clearEveryMs).unref()
  await clear()
  return {
    limiter: (limit) =>
      new RateLimiterPostgres({
        storeClient: { query },
        storeType: 'client',
        tableName: table,
        tableCreated: true,
        clearExpiredByTimeout: false,
        keyPrefix: limit.name,
        points: limit.points,
        duration: limit.seconds,
        // A key that is used up is answered from memory, so that a flood does not reach the database.
        ...(limit.givesBack ? {} : { inMemoryBlockOnConsumed: limit.points }),
        insuranceLimiter: inMemory(limit),
      }),
    async close() {
      clearInterval(clearing)
      await database.close()
    },
  }
}
