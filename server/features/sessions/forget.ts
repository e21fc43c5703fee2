import { sql } from 'drizzle-orm'
import { refreshTokens } from '../../../db/schema/refreshTokens.ts'
import { sessions } from '../../../db/schema/sessions.ts'
import { statement } from '../../../db/statement.ts'
import { batchSize, deleteInBatches } from '../../platform/duties/batches.ts'
import type { Duty } from '../../platform/duties/duty.ts'

const { placeholder } = sql

/** Used or not: until it expires a used token of a live session is there to recognise a replay. */
const deleteExpiredTokens = statement('sessions.deleteExpiredTokens', (db) =>
  db
    .delete(refreshTokens)
    .where(
      sql`${refreshTokens.token_hash} = any(array(
        select token_hash from refresh_tokens where expires_at <= now() limit ${placeholder('limit')} for update skip locked
      ))`,
    )
    .returning({ session_id: refreshTokens.session_id }),
)

/** Revoked or not: a revoked session is no longer prolonged, so it goes when it would have ended by itself. */
const deleteExpiredSessions = statement('sessions.deleteExpired', (db) =>
  db
    .delete(sessions)
    .where(
      sql`${sessions.id} = any(array(
        select id from sessions where expires_at <= now() limit ${placeholder('limit')} for update skip locked
      ))`,
    )
    .returning({ id: sessions.id }),
)

/** Deletes what nobody can use or replay any more. */
export const forgetSessions: Duty = {
  name: 'sessions.forget',
  schedule: '*/30 * * * *',
  async run({ database: { db }, signal }) {
    // First, so that few are left for the foreign key, which would delete those of a thousand sessions in one go.
    const tokens = await deleteInBatches(signal, () => deleteExpiredTokens(db, { limit: batchSize }))
    const ended = await deleteInBatches(signal, () => deleteExpiredSessions(db, { limit: batchSize }))
    return { refresh_tokens: tokens, sessions: ended }
  },
}
