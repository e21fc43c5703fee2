import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Pool, PoolClient } from 'pg'

const forgoes = Symbol('forgoes the statement cache')

/** What carries queries: the pool, or one of its connections. */
export type Connection = (Pool | PoolClient) & { [forgoes]?: boolean }

/**
 * Runs queries, on any connection of the pool or inside a transaction: a query does not know which. Transactions are
 * begun by `transaction` of the database alone; Drizzle's own leaks the connection when BEGIN fails.
 */
export type Db = Omit<NodePgDatabase, 'transaction'> & { readonly $client: Connection }

/** A Db that sends its queries to `connection`. */
export function dbOver(connection: Connection): Db {
  return drizzle<Record<string, never>, Connection>(connection)
}

/** Keeps statements from being prepared by name on this connection, as PgBouncer in transaction mode may need it. */
export function forgoStatementCache(connection: Connection): void {
  connection[forgoes] = true
}

/** Whether statements may be prepared by name there. */
export function cachesStatements(connection: Connection): boolean {
  return connection[forgoes] !== true
}
