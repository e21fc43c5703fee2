import type { Writable } from 'node:stream'
import type { Pool, PoolClient, QueryResult } from 'pg'
import type { Cancellation } from './cancellation.ts'
import { type Connection, type Db, dbOver } from './client.ts'
import { beginning, type Opening } from './tenant.ts'
import { endAfter } from './transaction.ts'
import { asReadFailure } from './unavailable.ts'

/**
 * Runs the one query that `query` sends, in a read-only transaction of the scope, in one round trip: everything is
 * sent at once and answered in order. A second query is refused, because the COMMIT is on its way by then.
 */
export async function runReadAs<T>(
  pool: Pool,
  { cancellation, ...opening }: Opening & { readonly cancellation?: Cancellation | undefined },
  query: (db: Db) => Promise<T>,
): Promise<T> {
  const begin = beginning('begin read only', opening)
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    cancellation?.begin(client)
    sendTogether(client)
    const begun = client.query(begin)
    const { connection, commit } = commitBehindFirst(client)
    const [beginResult, answer] = await Promise.allSettled([begun, run(query, connection)])
    const [commitResult] = await Promise.allSettled([commit()])
    // The first failure is the cause of the later ones.
    for (const result of [beginResult, answer, commitResult]) if (result.status === 'rejected') throw result.reason
    return (answer as PromiseFulfilledResult<T>).value
  } catch (error) {
    const failure = asReadFailure(error)
    broken = await endAfter(failure, client)
    throw failure
  } finally {
    cancellation?.end(client)
    client.release(broken)
  }
}

/** What is sent from here to the end of this turn leaves in one system call, which costs more than a small query's bytes. */
function sendTogether(client: PoolClient): void {
  // Not in the typings of pg, which has it public.
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection
  stream.cork()
  process.nextTick(() => stream.uncork())
}

/** Turns what `query` throws into a rejection, so that the BEGIN is not left alone. */
async function run<T>(query: (db: Db) => Promise<T>, connection: Connection): Promise<T> {
  return query(dbOver(connection))
}

/** An heir of the client that sends COMMIT right behind the first query. `commit` is its answer, or sends it now. */
function commitBehindFirst(client: PoolClient): { connection: Connection; commit: () => Promise<QueryResult> } {
  let committed: Promise<QueryResult> | undefined
  const send = client.query.bind(client) as (...query: unknown[]) => Promise<QueryResult>
  const commit = () => (committed ??= client.query('commit'))
  const first = (...query: unknown[]): Promise<QueryResult> => {
    if (committed) return Promise.reject(new Error('readAs runs one query; use a transaction for more.'))
    const answer = send(...query)
    // Its failure is looked at after the query's; until then nobody listens.
    commit().catch(() => {})
    return answer
  }
  return { connection: Object.create(client, { query: { value: first } }), commit }
}
