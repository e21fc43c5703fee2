import { index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { bytea, moment } from './columns.ts'
import { users } from './users.ts'

/** A key belongs to a person, not to a tenant. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid().primaryKey(),
    user_id: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** `tf_<env>_<id>`: what may be shown, and what a key is looked up by. */
    prefix: text().notNull(),
    /** SHA-256 of the whole key. */
    key_hash: bytea().notNull(),
    name: text().notNull(),
    scopes: text().array().notNull(),
    expires_at: moment(),
    last_used_at: moment(),
    revoked_at: moment(),
    created_at: moment().notNull().defaultNow(),
  },
  (table) => [unique('api_keys_prefix_unique').on(table.prefix), index('api_keys_by_user').on(table.user_id, table.id)],
)
