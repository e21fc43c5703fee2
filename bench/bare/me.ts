// GET /api/v1/auth/me by hand: jose, one read for all calls that come together, the contract's output schema.
// CLAIMS=remembered keeps verified claims in a bounded LRU, as tsforge does; else jose verifies every call.
import { randomUUID, webcrypto } from 'node:crypto'
import { jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { Pool } from 'pg'
import { z } from 'zod'
import { User } from '../../contract/user.ts'
import { coalesce } from '../../db/coalesce.ts'
import { json, type Request, type Response, serveBare } from './serve.ts'

const { DATABASE_GATE_URL = '', JWT_SECRET = '', CLAIMS } = process.env
const use = { name: 'HMAC', hash: 'SHA-256' }
const key = await webcrypto.subtle.importKey('raw', Buffer.from(JWT_SECRET), use, false, ['verify'])
const rules = { issuer: 'tsforge', audience: 'tsforge', typ: 'at+jwt', algorithms: ['HS256'] }
const output = z.compile(User)
const pool = new Pool({ connectionString: DATABASE_GATE_URL, max: 3 })

/** As much as tsforge reads, in the same words. */
const text = `
  select sessions.id as session_id, users.id, users.email, users.name,
    case when exists (
      select from user_roles join roles on roles.id = user_roles.role_id
      where user_roles.user_id = users.id and user_roles.tenant_id is null
        and roles.is_system and roles.code = 'admin' and roles.tenant_id is null
    ) then 'admin' else 'user' end as role,
    users.created_at, users.updated_at
  from sessions join users on users.id = sessions.user_id
  where sessions.id = any($1) and sessions.revoked_at is null and sessions.expires_at > now() and users.disabled_at is null`

/** The rows of sessions and their people, by session. */
const readAll = async (ids: readonly string[]): Promise<ReadonlyMap<string, unknown>> => {
  const { rows } = await pool.query({ name: 'me', text, values: [ids] })
  return new Map(rows.map((row) => [row.session_id, row]))
}
const read = coalesce(readAll, { maxBatch: 500 })
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

const answer = async (token: string): Promise<[status: string, body: string]> => {
  try {
    const row = await read(remembered(token) ?? (await sessionOf(token)))
    if (!row) return ['401 Unauthorized', '{}']
    const data = JSON.stringify(output.parse(row))
    return ['200 OK', `{"success":true,"data":${data},"request_id":"${randomUUID()}"}`]
  } catch {
    return ['401 Unauthorized', '{}']
  }
}

const serve = (response: Response, request: Request) => {
  let isGone = false
  response.onAborted(() => {
    isGone = true
  })
  void answer(request.getHeader('authorization').slice('Bearer '.length)).then(([status, body]) => {
    if (isGone) return
    response.cork(() => {
      response.writeStatus(status).writeHeader('content-type', json).end(body)
    })
  })
}

serveBare('/api/v1/auth/me', serve)
