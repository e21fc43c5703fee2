import { jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import { moment } from './columns.ts'

/** The last run of every duty. Whoever moves `tick` on runs it; the others find it taken. */
export const duties = pgTable('duties', {
  name: text().primaryKey(),
  /** The moment of the schedule that this run is for. */
  tick: moment().notNull(),
  /** The process that claimed it. */
  holder: text().notNull(),
  started_at: moment().notNull(),
  finished_at: moment(),
  outcome: text().$type<'done' | 'failed'>(),
  /** What it counted. */
  result: jsonb().$type<Readonly<Record<string, number>>>(),
  /** Why it failed, without what an error may quote. */
  error: text(),
})
