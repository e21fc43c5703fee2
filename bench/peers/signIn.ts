// A login without a framework: the account, its password, session and refresh token in one transaction, two tokens.
import { createHash, randomBytes } from 'node:crypto'
import { verify } from '@node-rs/argon2'
import { SignJWT } from 'jose'
import { uuidv7 } from 'uuidv7'
import type { Person } from '../../server/context.ts'
import { accountColumns, key, pool } from '../bare/account.ts'

export interface Credentials {
  readonly email: string
  readonly password: string
}

interface Caller {
  readonly ip: string
  readonly userAgent: string
}

interface Row extends Person {
  readonly password_hash: string
  readonly disabled_at: Date | null
}

const accessSeconds = 900
const refreshSeconds = 30 * 86_400
const findText = `select ${accountColumns}, users.password_hash, users.disabled_at from users where users.email = $1`
const sessionText = `insert into sessions (id, user_id, user_agent, ip, expires_at)
  values ($1, $2, $3, $4, now() + make_interval(secs => $5))`
const refreshText = `insert into refresh_tokens (token_hash, session_id, expires_at)
  values ($1, $2, now() + make_interval(secs => $3))`

/** Undefined for an unknown e-mail and a wrong password. */
export const signIn = async ({ email, password }: Credentials, caller: Caller) => {
  const { rows } = await pool.query<Row>({ name: 'find', text: findText, values: [email.toLowerCase()] })
  const [user] = rows
  if (!user || user.disabled_at || !(await verify(user.password_hash, password))) return undefined
  const [sessionId, refreshToken] = [uuidv7(), randomBytes(32).toString('base64url')]
  await store({ user, sessionId, refreshToken, caller })
  const expiresAt = Math.floor(Date.now() / 1000) + accessSeconds
  const access = await new SignJWT({ sid: sessionId })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .setIssuer('tsforge')
    .setAudience('tsforge')
    .setSubject(user.id)
    .setIssuedAt()
    .setExpirationTime(expiresAt)
    .sign(key)
  const tokens = { access_token: access, refresh_token: refreshToken, token_type: 'Bearer', expires_at: expiresAt }
  return { user, tokens: { ...tokens, expires_at: new Date(expiresAt * 1000) } }
}

interface NewSession {
  readonly user: Person
  readonly sessionId: string
  readonly refreshToken: string
  readonly caller: Caller
}

const store = async ({ user, sessionId, refreshToken, caller: { userAgent, ip } }: NewSession) => {
  const tokenHash = createHash('sha256').update(refreshToken).digest()
  const client = await pool.connect()
  try {
    await client.query('begin')
    const session = [sessionId, user.id, userAgent, ip, refreshSeconds]
    await client.query({ name: 'session', text: sessionText, values: session })
    await client.query({ name: 'refresh', text: refreshText, values: [tokenHash, sessionId, refreshSeconds] })
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}
