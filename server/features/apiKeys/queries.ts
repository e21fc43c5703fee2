import { and, desc, eq, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { apiKeys } from '../../../db/schema/apiKeys.ts'
import { lastWrites } from '../../../db/schema/lastWrites.ts'
import { users } from '../../../db/schema/users.ts'
import { statement } from '../../../db/statement.ts'
import { wroteLately } from '../../platform/replica/writes.ts'
import { userColumns } from '../auth/queries.ts'

const { placeholder } = sql

/** The keys of a person carry no tenant, and no row security: each query names the owner. */
const isOwned = eq(apiKeys.user_id, placeholder('userId'))

/** The use of a key is written this rarely, so that a busy key does not rewrite its row with every call. */
const isUseOld = sql<boolean>`(${apiKeys.last_used_at} is null or ${apiKeys.last_used_at} < now() - interval '1 minute')`

const isLive = and(isNull(apiKeys.revoked_at), sql`(${apiKeys.expires_at} is null or ${apiKeys.expires_at} > now())`)

const listed = {
  id: apiKeys.id,
  prefix: apiKeys.prefix,
  name: apiKeys.name,
  scopes: apiKeys.scopes,
  expires_at: apiKeys.expires_at,
  last_used_at: apiKeys.last_used_at,
  revoked_at: apiKeys.revoked_at,
  created_at: apiKeys.created_at,
}

const holder = {
  key_id: apiKeys.id,
  prefix: apiKeys.prefix,
  key_hash: apiKeys.key_hash,
  scopes: apiKeys.scopes,
  is_use_old: isUseOld.as('is_use_old'),
  user: userColumns,
}

/** The people behind live keys, one row a key; for the gates, which ask for many at once. */
export const findKeyHolders = statement('apiKeys.findHolders', (db) =>
  db
    .select(holder)
    .from(apiKeys)
    .innerJoin(users, eq(users.id, apiKeys.user_id))
    .where(and(sql`${apiKeys.prefix} = any(${placeholder('prefixes')})`, isLive, isNull(users.disabled_at))),
)

/** The same, and whether they changed something lately. */
export const findKeyHoldersAndWrites = statement('apiKeys.findHoldersAndWrites', (db) =>
  db
    .select({ ...holder, wrote_lately: wroteLately() })
    .from(apiKeys)
    .innerJoin(users, eq(users.id, apiKeys.user_id))
    .leftJoin(lastWrites, eq(lastWrites.person_id, users.id))
    .where(and(sql`${apiKeys.prefix} = any(${placeholder('prefixes')})`, isLive, isNull(users.disabled_at))),
)

/** The people behind live keys by the ids of the keys; for what was opened with a key and outlasts the call. */
export const findKeyHoldersById = statement('apiKeys.findHoldersById', (db) =>
  db
    .select({ key_id: apiKeys.id, scopes: apiKeys.scopes, user: userColumns })
    .from(apiKeys)
    .innerJoin(users, eq(users.id, apiKeys.user_id))
    .where(and(sql`${apiKeys.id} = any(${placeholder('ids')})`, isLive, isNull(users.disabled_at))),
)

/** Of several at once one writes, and the others find that it did. */
export const noteKeyUse = statement('apiKeys.noteUse', (db) =>
  db
    .update(apiKeys)
    .set({ last_used_at: sql`now()` })
    .where(and(eq(apiKeys.id, placeholder('id')), isOwned, isUseOld))
    .returning({ id: apiKeys.id }),
)

/** The keys of a person behind a position, the newest first: their ids rise with time. */
export const listKeys = statement('apiKeys.list', (db) =>
  db
    .select(listed)
    .from(apiKeys)
    .where(and(isOwned, lt(apiKeys.id, placeholder('id'))))
    .orderBy(desc(apiKeys.id))
    .limit(placeholder('limit')),
)

export const countKeys = statement('apiKeys.count', (db) =>
  db.select({ total: sql<number>`count(*)::int` }).from(apiKeys).where(isOwned),
)

/** No row: the moment of expiry is not ahead, by the database's clock. */
export const insertKey = statement('apiKeys.insert', (db) => {
  const expiresAt = sql`${placeholder('expiresAt')}::timestamptz`
  const row: SQL = sql`select ${placeholder('id')}::uuid, ${placeholder('userId')}::uuid, ${placeholder('prefix')}::text,
    ${placeholder('keyHash')}::bytea, ${placeholder('name')}::text, ${placeholder('scopes')}::text[], ${expiresAt},
    null::timestamptz, null::timestamptz, now()
    where ${expiresAt} is null or ${expiresAt} > now()`
  return db.insert(apiKeys).select(row).returning(listed)
})

/** No row: there is no such key, it is somebody else's, or it was revoked before. */
export const revokeKey = statement('apiKeys.revoke', (db) =>
  db
    .update(apiKeys)
    .set({ revoked_at: sql`now()` })
    .where(and(eq(apiKeys.id, placeholder('id')), isOwned, isNull(apiKeys.revoked_at)))
    .returning({ id: apiKeys.id }),
)
