import { drizzle } from 'drizzle-orm/node-postgres'
import { cachesStatements, type Db } from './client.ts'

/** What `build` may return: a Drizzle query with `sql.placeholder`s. */
export interface Preparable<Rows> {
  prepare(name: string): { execute(values?: Record<string, unknown>): Promise<Rows> }
}

export type StatementParams = Readonly<Record<string, unknown>>

const names = new Set<string>()

/**
 * Defines a query once, as `<feature>.<query>`, and returns a function that runs it on the pool or in a transaction,
 * giving every placeholder a value. PostgreSQL parses it once a connection, under this name, and keeps its plan unless one
 * for the values at hand looks cheaper. Throws when the name is taken: node-postgres would run whichever came first.
 */
export function statement<Rows>(name: string, build: (db: Db) => Preparable<Rows>) {
  if (names.has(name)) throw new Error(`There are two statements named ${name}.`)
  names.add(name)
  // No connection yet: a mock builds the SQL, and the connection of the call is put in below.
  const query = build(drizzle.mock() as unknown as Db)
  const cached = query.prepare(name)
  const uncached = query.prepare('')
  return (db: Db, params: StatementParams = {}): Promise<Rows> => {
    const client = db.$client
    const prepared = cachesStatements(client) ? cached : uncached
    // Drizzle ties a prepared query to a connection; it reads `this.client`, so an heir with another one is enough.
    const bound: typeof cached = Object.assign(Object.create(prepared), { client })
    return bound.execute(params)
  }
}
