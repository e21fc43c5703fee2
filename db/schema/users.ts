import { pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { moment } from './columns.ts'

/** Keys are spelled as the contract spells them, so that a row can be an answer. Ids are UUIDv7, made by the application. */
export const users = pgTable(
  'users',
  {
    id: uuid().primaryKey(),
    email: text().notNull(),
    /** A PHC string. The role `gate` may not read it. */
    password_hash: text().notNull(),
    name: text().notNull(),
    /** Null while the person may sign in. */
    disabled_at: moment(),
    created_at: moment().notNull().defaultNow(),
    updated_at: moment().notNull().defaultNow(),
  },
  (table) => [unique('users_email_unique').on(table.email)],
)
