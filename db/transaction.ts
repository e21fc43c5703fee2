import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool, PoolClient, QueryResult } from 'pg'
import type { Cancellation } from './cancellation.ts'
import { codeOf } from './causes.ts'
import { type Db, dbOver } from './client.ts'
import { beginning, type Opening } from './tenant.ts'
import { isUnavailable } from './unavailable.ts'

const attempts = 3
const retryWithinMs = 50
/** serialization_failure and deadlock_detected (PostgreSQL manual, appendix A): nothing happened, it may be tried again. */
const retryable = new Set(['40001', '40P01'])

/** A statement failed, its error was caught, and the work went on: PostgreSQL rolled back where COMMIT was asked for. */
export class TransactionAborted extends Error {
  override readonly name = 'TransactionAborted'
  constructor() {
    super('A statement in the transaction failed and its error was swallowed, so PostgreSQL rolled everything back.')
  }
}

/**
 * Runs `work` as one unit and commits; whatever it throws rolls back and is thrown on. A serialization failure or a
 * deadlock runs the work again, up to three times in all. Throws TransactionAborted when the COMMIT came to nothing.
 */
export async function runTransaction<T>(
  pool: Pool,
  work: (tx: Db) => Promise<T>,
  { cancellation, ...opening }: Opening & { readonly cancellation?: Cancellation | undefined },
): Promise<T> {
  const begin = beginning('begin', opening)
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(await pool.connect(), work, { begin, cancellation })
    } catch (error) {
      if (attempt === attempts || !retryable.has(codeOf(error) ?? '')) throw error
      await sleep(Math.random() * retryWithinMs * attempt)
    }
  }
}

interface Attempt {
  readonly begin: string
  readonly cancellation: Cancellation | undefined
}

async function attemptOnce<T>(
  client: PoolClient,
  work: (tx: Db) => Promise<T>,
  { begin, cancellation }: Attempt,
): Promise<T> {
  let broken: Error | undefined
  try {
    cancellation?.begin(client)
    await client.query(begin)
    const result = await work(dbOver(client))
    cancellation?.beginCommit(client)
    checkCommitted(await client.query('commit'))
    return result
  } catch (error) {
    broken = await endAfter(error, client)
    throw error
  } finally {
    cancellation?.end(client)
    client.release(broken)
  }
}

/**
 * Ends a transaction that failed. Returns why the connection must not be used again: it is lost, and asking it for a
 * ROLLBACK would take one more deadline, or the ROLLBACK failed. PostgreSQL rolls back what a lost connection began.
 */
export async function endAfter(error: unknown, client: PoolClient): Promise<Error | undefined> {
  if (isUnavailable(error)) return asError(error)
  try {
    if (client.getTransactionStatus() !== 'I') await client.query('rollback')
    return undefined
  } catch (failure) {
    return asError(failure)
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

function checkCommitted({ command }: QueryResult): void {
  if (command !== 'COMMIT') throw new TransactionAborted()
}
