import { and, desc, eq, gt, isNull, ne, type SQL, sql } from 'drizzle-orm'
import { lastWrites } from '../../../db/schema/lastWrites.ts'
import { refreshTokens } from '../../../db/schema/refreshTokens.ts'
import { sessions } from '../../../db/schema/sessions.ts'
import { users } from '../../../db/schema/users.ts'
import { statement } from '../../../db/statement.ts'
import { wroteLately } from '../../platform/replica/writes.ts'
import { userColumns } from '../auth/queries.ts'

const { placeholder } = sql

/** The database's clock decides expiry, so that instances with other clocks agree. */
const afterSeconds = (name: string) => sql`now() + make_interval(secs => ${placeholder(name)})`
/** A session is prolonged by its use, but not beyond its longest life. */
const prolonged = sql`least(${afterSeconds('ttlSeconds')}, ${sessions.created_at} + make_interval(secs => ${placeholder('maxSeconds')}))`
const isLive = and(isNull(sessions.revoked_at), gt(sessions.expires_at, sql`now()`)) as SQL

/** The people behind live sessions, one row a session; for the gates, which ask for many at once. */
export const findActors = statement('sessions.findActors', (db) =>
  db
    .select({ session_id: sessions.id, user: userColumns })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.user_id))
    .where(and(sql`${sessions.id} = any(${placeholder('ids')})`, isLive, isNull(users.disabled_at))),
)

/** The same, and whether they changed something lately; a session that was just begun or renewed counts as a change. */
export const findActorsAndWrites = statement('sessions.findActorsAndWrites', (db) =>
  db
    .select({ session_id: sessions.id, user: userColumns, wrote_lately: wroteLately(sessions.last_used_at) })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.user_id))
    .leftJoin(lastWrites, eq(lastWrites.person_id, users.id))
    .where(and(sql`${sessions.id} = any(${placeholder('ids')})`, isLive, isNull(users.disabled_at))),
)

/**
 * Begins a session and issues its first refresh token, in one statement. No row: the account was disabled, or its
 * password changed, since it was looked at. Holds the account, so that what ends all its sessions at this moment comes
 * before this or sees it.
 */
export const insertSession = statement('sessions.insert', (db) => {
  const session = db.$with('session').as(
    db
      .insert(sessions)
      .select(
        sql`select ${placeholder('id')}::uuid, account.id, ${placeholder('userAgent')}::text, ${placeholder('ip')}::text,
          now(), now(), ${afterSeconds('ttlSeconds')}, null::timestamptz
        from (
          select id from users
          where id = ${placeholder('userId')}::uuid and password_hash = ${placeholder('passwordHash')} and disabled_at is null
          for share
        ) account`,
      )
      .returning({ id: sessions.id, expires_at: sessions.expires_at }),
  )
  return db
    .with(session)
    .insert(refreshTokens)
    .select(sql`select ${placeholder('tokenHash')}::bytea, id, now(), expires_at, null::timestamptz from session`)
    .returning({ session_id: refreshTokens.session_id })
})

/**
 * Uses up a refresh token and issues the next one, in one statement. No row: the token is unknown, expired, used
 * before, or its session is over. Of two at once the second waits for the first and then finds the token used.
 */
export const rotateRefreshToken = statement('sessions.rotate', (db) => {
  const used = db.$with('used').as(
    db
      .update(refreshTokens)
      .set({ used_at: sql`now()` })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.user_id))
      .where(
        and(
          eq(refreshTokens.token_hash, placeholder('tokenHash')),
          isNull(refreshTokens.used_at),
          gt(refreshTokens.expires_at, sql`now()`),
          eq(sessions.id, refreshTokens.session_id),
          isLive,
          isNull(users.disabled_at),
        ),
      )
      .returning({ session_id: refreshTokens.session_id, user_id: sessions.user_id }),
  )
  const session = db
    .$with('prolonged')
    .as(
      db
        .update(sessions)
        .set({ last_used_at: sql`now()`, expires_at: prolonged })
        .from(used)
        .where(eq(sessions.id, sql`used.session_id`))
        .returning({ id: sessions.id, user_id: sessions.user_id, expires_at: sessions.expires_at }),
    )
  return db
    .with(used, session)
    .insert(refreshTokens)
    .select(sql`select ${placeholder('nextHash')}::bytea, id, now(), expires_at, null::timestamptz from prolonged`)
    .returning({ session_id: refreshTokens.session_id, user_id: sql<string>`(select user_id from prolonged)` })
})

/** Ends the live session of a refresh token that was used before. No row: there is nothing to end. */
export const endSessionOfUsedToken = statement('sessions.endOfUsedToken', (db) =>
  db
    .update(sessions)
    .set({ revoked_at: sql`now()` })
    .from(refreshTokens)
    .where(
      and(
        eq(refreshTokens.token_hash, placeholder('tokenHash')),
        sql`${refreshTokens.used_at} is not null`,
        eq(sessions.id, refreshTokens.session_id),
        isLive,
      ),
    )
    .returning({ id: sessions.id, user_id: sessions.user_id }),
)

const position = sql<string>`(${sessions.last_used_at}, ${sessions.id})`

const listed = {
  id: sessions.id,
  user_agent: sessions.user_agent,
  ip: sessions.ip,
  created_at: sessions.created_at,
  last_used_at: sessions.last_used_at,
  expires_at: sessions.expires_at,
}

/** Live sessions of a person behind a position, the last used first. Pass 'infinity' to begin. */
export const listSessions = statement('sessions.list', (db) =>
  db
    .select(listed)
    .from(sessions)
    .where(
      and(
        eq(sessions.user_id, placeholder('userId')),
        isLive,
        sql`${position} < (${placeholder('lastUsedAt')}::timestamptz, ${placeholder('id')}::uuid)`,
      ),
    )
    .orderBy(desc(sessions.last_used_at), desc(sessions.id))
    .limit(placeholder('limit')),
)

export const countSessions = statement('sessions.count', (db) =>
  db
    .select({ total: sql<number>`count(*)::int` })
    .from(sessions)
    .where(and(eq(sessions.user_id, placeholder('userId')), isLive)),
)

/** Ends one live session of a person. No row: there is no such session, or it is not theirs. */
export const endSession = statement('sessions.end', (db) =>
  db
    .update(sessions)
    .set({ revoked_at: sql`now()` })
    .where(and(eq(sessions.id, placeholder('id')), eq(sessions.user_id, placeholder('userId')), isLive))
    .returning({ id: sessions.id }),
)

/** Ends every live session of a person but one. */
export const endOtherSessions = statement('sessions.endOthers', (db) =>
  db
    .update(sessions)
    .set({ revoked_at: sql`now()` })
    .where(and(eq(sessions.user_id, placeholder('userId')), ne(sessions.id, placeholder('keep')), isLive))
    .returning({ id: sessions.id }),
)

/** Ends every live session of a person. */
export const endAllSessions = statement('sessions.endAll', (db) =>
  db
    .update(sessions)
    .set({ revoked_at: sql`now()` })
    .where(and(eq(sessions.user_id, placeholder('userId')), isLive)),
)
