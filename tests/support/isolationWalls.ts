import { type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { vi } from 'vitest'
import type { TestApp } from './app.ts'
import type { Recorded } from './isolationStatements.ts'

type Bucket = typeof import('../../db/bucket.ts')
type Statement = typeof import('../../db/statement.ts')
type Run = ReturnType<Statement['statement']>
type Db = Parameters<Run>[0]

/** One use of a filter: the statement it stands in, and which of its filters it is. */
export interface Filter {
  readonly statement: string
  readonly index: number
}

/** An app whose tenant filters can be taken out one by one, while it runs. */
export interface OpenableApp extends TestApp {
  readonly filters: readonly Filter[]
  /** Takes out one filter, all, or none. */
  readonly open: (filter: Filter | 'all' | 'none') => void
  /** The statements that ran since it was last asked, with their parameters. */
  readonly takeRan: () => Recorded[]
}

const closed = "or 'filter' = 'open'"

/**
 * Starts the server from modules in which every filter of `db/bucket.ts` bears a mark, by which it is taken out of the
 * SQL on its way to PostgreSQL. The shipped code knows nothing of it.
 */
export const startOpenableApp = async (): Promise<OpenableApp> => {
  const filters: Filter[] = []
  const ran: Recorded[] = []
  let opened: Filter | 'all' | 'none' = 'none'

  const rewrite = (name: string, text: string) => {
    let index = -1
    return text.replaceAll(closed, () => {
      index++
      const isOpen = opened === 'all' || (opened !== 'none' && opened.statement === name && opened.index === index)
      return isOpen ? 'or true' : closed
    })
  }
  const marked = (build: (column: AnyPgColumn) => SQL) => (column: AnyPgColumn) =>
    sql`(${build(column)} ${sql.raw(closed)})`
  const statementOf =
    (actual: Statement['statement']): Statement['statement'] =>
    (name, build) => {
      const run = actual(name, (db) => {
        const query = build(db)
        const text = (query as unknown as { toSQL(): { sql: string } }).toSQL().sql
        filters.push(
          ...text
            .split(closed)
            .slice(1)
            .map((_, index) => ({ statement: name, index })),
        )
        return query
      })
      const textOf = captureText((db, params) =>
        run(
          rewriting(db, (text) => rewrite(name, text)),
          params,
        ),
      )
      return (db, params = {}) => {
        ran.push({ name, params, textOf })
        return run(opened === 'none' ? db : rewriting(db, (text) => rewrite(name, text)), params)
      }
    }

  vi.resetModules()
  vi.doMock('../../db/bucket.ts', async (importOriginal) => {
    const actual = await importOriginal<Bucket>()
    const { inBucket, inSight, inTenant } = actual
    return { ...actual, inBucket: marked(inBucket), inSight: marked(inSight), inTenant: marked(inTenant) }
  })
  vi.doMock('../../db/statement.ts', async (importOriginal) => {
    const actual = await importOriginal<Statement>()
    return { ...actual, statement: statementOf(actual.statement) }
  })
  const { startApp } = await import('./app.ts')
  const app = await startApp()
  vi.doUnmock('../../db/bucket.ts')
  vi.doUnmock('../../db/statement.ts')
  vi.resetModules()
  return {
    ...app,
    filters,
    open(filter) {
      opened = filter
    },
    takeRan: () => ran.splice(0),
  }
}

interface Sent {
  readonly text: string
}

/** The same connection, on which another text is sent than the one that was asked for. */
const rewriting = (db: Db, rewrite: (text: string) => string): Db => {
  const client = db.$client as unknown as { query(config: Sent, values: unknown[]): Promise<unknown> }
  // Without its name, because PostgreSQL keeps what it was given first under a name.
  const query = (config: Sent, values: unknown[]) =>
    client.query({ ...config, name: undefined, text: rewrite(config.text) } as Sent, values)
  return { $client: Object.create(client, { query: { value: query } }) } as unknown as Db
}

/** What a statement sends, found by letting it send to nobody. */
const captureText =
  (run: Run): Recorded['textOf'] =>
  (params) =>
    new Promise((resolve, reject) => {
      const query = async ({ text }: Sent, values: unknown[]) => {
        resolve({ text, values })
        return { rows: [] }
      }
      run({ $client: { query } } as unknown as Db, params).catch(reject)
    })

/** Takes the second wall down, in the database of this app alone. */
export const dropRowSecurity = async ({ sql }: TestApp): Promise<void> => {
  const guarded = await sql(
    "select relname from pg_class where relrowsecurity and relnamespace = 'public'::regnamespace",
  )
  for (const { relname } of guarded) await sql(`alter table ${relname} disable row level security`)
}
