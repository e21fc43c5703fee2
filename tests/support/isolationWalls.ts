import { type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { vi } from 'vitest'
import type { TestApp } from './app.ts'
import type { Recorded } from './isolationStatements.ts'

type Bucket = typeof import('../../db/bucket.ts')
type Statement = typeof import('../../db/statement.ts')

/** An app whose tenant filters can be opened one by one, while it runs. */
export interface OpenableApp extends TestApp {
  /** For each filter the statements it stands in. */
  readonly filters: readonly (readonly string[])[]
  /** Lets every row through the filter of this number, through all or through none of them. */
  readonly open: (filter: number | 'all' | 'none') => Promise<void>
  /** The statements that ran since it was last asked, with their parameters. */
  readonly takeRan: () => readonly Recorded[]
}

const mark = (filter: number) => `filter in (0, ${filter + 1})`
const marks = /filter in \(0, (\d+)\)/g

/**
 * Starts the server from modules in which every filter of `db/bucket.ts` reads `(filter or it is open)`; which one is
 * open stands in a table of the test's own. The shipped code knows nothing of it.
 */
export const startOpenableApp = async (): Promise<OpenableApp> => {
  const filters: string[][] = []
  const ran: Recorded[] = []
  vi.resetModules()
  vi.doMock('../../db/bucket.ts', async (importOriginal) => {
    const actual = await importOriginal<Bucket>()
    const openable = (build: (column: AnyPgColumn) => SQL) => (column: AnyPgColumn) => {
      const number = filters.push([]) - 1
      return sql`(${build(column)} or exists (select from open_filters where ${sql.raw(mark(number))}))`
    }
    return { ...actual, inBucket: openable(actual.inBucket), inSight: openable(actual.inSight) }
  })
  vi.doMock('../../db/statement.ts', async (importOriginal) => {
    const actual = await importOriginal<Statement>()
    const statement: Statement['statement'] = (name, build) => {
      const run = actual.statement(name, (db) => {
        const query = build(db)
        const text = 'toSQL' in query ? (query as unknown as { toSQL(): { sql: string } }).toSQL().sql : ''
        for (const [, number] of text.matchAll(marks)) filters[Number(number) - 1]?.push(name)
        return query
      })
      const textOf = captureText(run)
      return (db, params = {}) => {
        ran.push({ name, params, textOf })
        return run(db, params)
      }
    }
    return { ...actual, statement }
  })
  const { startApp } = await import('./app.ts')
  const app = await startApp()
  vi.doUnmock('../../db/bucket.ts')
  vi.doUnmock('../../db/statement.ts')
  vi.resetModules()
  await app.sql('create table public.open_filters (filter int)')
  await app.sql('grant select on open_filters to app, gate')
  return {
    ...app,
    filters,
    async open(filter) {
      await app.sql('delete from open_filters')
      if (filter === 'none') return
      await app.sql('insert into open_filters values ($1)', [filter === 'all' ? 0 : filter + 1])
    },
    takeRan: () => ran.splice(0),
  }
}

type Run = ReturnType<Statement['statement']>
type Db = Parameters<Run>[0]

/** What a statement sends, found by letting it send to nobody. */
const captureText =
  (run: Run): Recorded['textOf'] =>
  (params) =>
    new Promise((resolve, reject) => {
      const query = async ({ text }: { text: string }, values: unknown[]) => {
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
