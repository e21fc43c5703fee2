import { asc, desc, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Db } from './client.ts'
import { type Preparable, type StatementParams, statement } from './statement.ts'

/** The words for the orders of a list: a column, or with a minus the same from the other end. */
export type Sort<Column extends string> = Column | `-${Column}`

/** What a list adds to its query: the rows behind a position, in an order. */
export interface Stretch {
  /** Undefined on the first page. */
  readonly behind: SQL | undefined
  readonly order: readonly [SQL, SQL]
}

interface SortedList<Column extends string, Rows> {
  /** The columns to order by; none of them is ever null. An index on each, with the id behind it, serves every page. */
  readonly columns: Readonly<Record<Column, PgColumn>>
  /** Makes every position unique. */
  readonly id: PgColumn
  readonly build: (db: Db, stretch: Stretch) => Preparable<Rows>
}

/**
 * The statements of a list, as `<feature>.<query>`, by the word for their order. Beside what `build` asks for they take
 * `afterValue` and `afterId`, the position behind which to begin, both empty for the first page. That one is a statement
 * of its own: a condition that is sometimes true keeps PostgreSQL from starting inside the index.
 */
export const sorted = <Column extends string, Rows>(name: string, { columns, id, build }: SortedList<Column, Rows>) => {
  const inOrder = (sort: string, column: PgColumn, [direction, than]: typeof up | typeof down) => {
    const order = [direction(column), direction(id)] as const
    const value = sql`${sql.placeholder('afterValue')}::${sql.raw(column.getSQLType())}`
    const behind = sql`(${column}, ${id}) ${sql.raw(than)} (${value}, ${sql.placeholder('afterId')}::uuid)`
    const first = statement(`${name}.${sort}.first`, (db) => build(db, { behind: undefined, order }))
    const next = statement(`${name}.${sort}.next`, (db) => build(db, { behind, order }))
    return (db: Db, params: StatementParams) => (params.afterId === '' ? first : next)(db, params)
  }
  const lists = Object.entries<PgColumn>(columns).flatMap(([word, column]) => [
    [word, inOrder(word, column, up)],
    [`-${word}`, inOrder(`-${word}`, column, down)],
  ])
  return Object.fromEntries(lists) as Readonly<Record<Sort<Column>, (db: Db, params: StatementParams) => Promise<Rows>>>
}

const up = [asc, '>'] as const
const down = [desc, '<'] as const

/** Where a row stands in an order, as texts that PostgreSQL reads back: the value of the column, then the id. */
export const positionIn = <Column extends string>(
  sort: Sort<Column>,
  row: Readonly<Record<Column, string | number | Date>> & { readonly id: string },
): [value: string, id: string] => {
  const value = row[sort.replace(/^-/, '') as Column]
  return [value instanceof Date ? value.toISOString() : String(value), row.id]
}
