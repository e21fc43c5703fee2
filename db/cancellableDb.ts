import type { Pool, QueryResult } from 'pg'
import type { Cancellation } from './cancellation.ts'
import { type Connection, type Db, dbOver } from './client.ts'
import { isUnavailable } from './unavailable.ts'

/** A Db over the pool whose queries, each on whatever connection is free, belong to one call. */
export function cancellableDb(pool: Pool, cancellation: Cancellation): Db {
  const query = (...given: unknown[]) => runOne(pool, cancellation, given)
  const connection: Connection = Object.create(pool, { query: { value: query } })
  return dbOver(connection)
}

async function runOne(pool: Pool, cancellation: Cancellation, query: unknown[]): Promise<QueryResult> {
  const client = await pool.connect()
  let broken = false
  try {
    cancellation.begin(client)
    return await (client.query as (...query: unknown[]) => Promise<QueryResult>).apply(client, query)
  } catch (error) {
    broken = isUnavailable(error)
    throw error
  } finally {
    cancellation.end(client)
    client.release(broken)
  }
}
