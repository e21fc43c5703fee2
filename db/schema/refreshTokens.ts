import { index, pgTable, uuid } from 'drizzle-orm/pg-core'
import { bytea, moment } from './columns.ts'
import { sessions } from './sessions.ts'

/** Every refresh token a session was given. Used ones stay until they expire: that is how a replay is recognised. */
export const refreshTokens = pgTable(
  'refresh_tokens',
  {
    /** SHA-256 of the token; the token itself is never stored. */
    token_hash: bytea().primaryKey(),
    session_id: uuid()
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    issued_at: moment().notNull().defaultNow(),
    expires_at: moment().notNull(),
    /** Null while the token can still be exchanged. */
    used_at: moment(),
  },
  (table) => [
    index('refresh_tokens_by_session').on(table.session_id),
    index('refresh_tokens_by_expiry').on(table.expires_at),
  ],
)
