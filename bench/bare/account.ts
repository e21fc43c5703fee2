// Who is behind an access token, by hand: jose, then one prepared statement for session and person.
// CLAIMS=remembered keeps verified claims in a bounded LRU, as tsforge does; else jose verifies every call.
// READS=together answers all calls that come together by one read, as tsforge does; else each reads for itself.
import { webcrypto } from 'node:crypto'
import { jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { Pool } from 'pg'
import { coalesce } from '../../db/coalesce.ts'
import type { Person } from '../../server/context.ts'

const { DATABASE_URL = '', JWT_SECRET = '', CLAIMS, READS } = process.env
const use = { name: 'HMAC', hash: 'SHA-256' }
/** Made once: jose would import a secret given as bytes on every call. */
export const key = await webcrypto.subtle.importKey('raw', Buffer.from(JWT_SECRET), use, false, ['sign', 'verify'])
const rules = { issuer: 'tsforge', audience: 'tsforge', typ: 'at+jwt', algorithms: ['HS256'] }

/** Reads made together need few connections, as many as tsforge has for them. */
export const pool = new Pool({ connectionString: DATABASE_URL, max: READS === 'together' ? 3 : 10 })

/** The columns of a person, as tsforge reads them. */
export const accountColumns = `users.id, users.email, users.name,
    case when exists (
      select from user_roles join roles on roles.id = user_roles.role_id
      where user_roles.user_id = users.id and user_roles.tenant_id is null
        and roles.is_system and roles.code = 'admin' and roles.tenant_id is null
    ) then 'admin' else 'user' end as role,
    users.created_at, users.updated_at`

const accountsWhere = (isAsked: string) => `
  select sessions.id as session_id, ${accountColumns}
  from sessions join users on users.id = sessions.user_id
  where ${isAsked} and sessions.revoked_at is null and sessions.expires_at > now() and users.disabled_at is null`

const [oneText, manyText] = [accountsWhere('sessions.id = $1'), accountsWhere('sessions.id = any($1)')]

const readOne = async (session: string): Promise<Person | undefined> =>
  (await pool.query({ name: 'account', text: oneText, values: [session] })).rows[0]

/** By session. */
const readMany = async (sessions: readonly string[]): Promise<ReadonlyMap<string, Person>> => {
  const { rows } = await pool.query({ name: 'accounts', text: manyText, values: [sessions] })
  return new Map(rows.map((row) => [row.session_id, row]))
}

const read = READS === 'together' ? coalesce(readMany, { maxBatch: 500 }) : readOne
const known = new LRUCache<string, { session: string; expiresAtMs: number }>({ max: 10_000 })

const sessionOf = async (token: string): Promise<string> => {
  const { payload } = await jwtVerify(token, key, rules)
  const session = String(payload.sid)
  if (CLAIMS === 'remembered') known.set(token, { session, expiresAtMs: Number(payload.exp) * 1000 })
  return session
}

const remembered = (token: string): string | undefined => {
  const claims = known.get(token)
  return claims && claims.expiresAtMs > Date.now() ? claims.session : undefined
}

/** The person whom the value of an Authorization header stands for; undefined when it stands for nobody. */
export const accountOf = async (authorization = ''): Promise<Person | undefined> => {
  const token = authorization.slice('Bearer '.length)
  try {
    return await read(remembered(token) ?? (await sessionOf(token)))
  } catch {
    return undefined
  }
}
