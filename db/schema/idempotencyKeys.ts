import { index, pgTable } from 'drizzle-orm/pg-core'
import { bytea, moment } from './columns.ts'

/** Answers kept for replay. A row exists only once its transaction has committed; nothing in it can be read back to a key or an input. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    /** SHA-256 over principal, tenant, entry and the key the client sent. */
    id: bytea().primaryKey(),
    /** A keyed digest of the input. */
    fingerprint: bytea().notNull(),
    /** The answer as JSON; sealed when the entry says that it holds secrets. */
    answer: bytea().notNull(),
    created_at: moment().notNull().defaultNow(),
    expires_at: moment().notNull(),
  },
  (table) => [index('idempotency_keys_by_expiry').on(table.expires_at)],
)
