import { customType, index, pgTable, timestamp, uuid } from 'drizzle-orm/pg-core'
import { sessions } from './sessions.ts'

const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' })

/** Every refresh token a session was given. Used ones stay until they expire: that is how a replay is recognised. */
export const refreshTokens = pgTable(
  'refresh_tokens',
  {
    /** SHA-256 of the token; the token itself is never stored. */
    token_hash: bytea().primaryKey(),
    session_id: uuid()
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    issued_at: timestamp({ withTimezone: true, mode: 'date' }).notNull().defaultNow(),
    expires_at: timestamp({ withTimezone: true, mode: 'date' }).notNull(),
    /** Null while the token can still be exchanged. */
    used_at: timestamp({ withTimezone: true, mode: 'date' }),
  },
  (table) => [
    index('refresh_tokens_by_session').on(table.session_id),
    index('refresh_tokens_by_expiry').on(table.expires_at),
  ],
)
