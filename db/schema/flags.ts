import { jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import { type Json, moment } from './columns.ts'

/** What the database says of flags. A name that the contract no longer has is left alone and means nothing. */
export const flags = pgTable('flags', {
  name: text().primaryKey(),
  /** For those whom no rule fits; null for the contract's default. */
  value: jsonb().$type<boolean | string | null>(),
  /** As the contract has them, in the order in which they are tried. */
  rules: jsonb().$type<Json>().notNull(),
  created_at: moment().notNull().defaultNow(),
  updated_at: moment().notNull().defaultNow(),
})
