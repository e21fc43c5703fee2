import { uuidv7 } from 'uuidv7'
import { withConnection } from '../../../db/oneConnection.ts'
import type { Config } from '../../config.ts'
import { createPasswordHasher } from '../../platform/hashing/index.ts'
import { createAccessTokens } from '../../platform/tokens.ts'
import type { Account } from './accounts.ts'
import type { OwnServer } from './ownServer.ts'
import { emailOf } from './scenarios.ts'

const atOnce = 5_000
const password = 'supersecretpassword'
/** However long the measurement takes. */
const tokenSeconds = 86_400

/**
 * Writes accounts that are signed in into the database of a server of our own, where registering as many would take
 * hours. They share one hash: salt and password do not change what a login costs.
 */
export const makeAccounts = async (
  { auth, hashing }: Config,
  { ownerUrl, secret }: OwnServer,
  { count, prefix }: { readonly count: number; readonly prefix: string },
): Promise<Account[]> => {
  const hash = await hashAt(hashing)
  const tokens = await createAccessTokens({
    ...{ secret, previousSecrets: [], keys: [], ttlSeconds: tokenSeconds },
    ...{ issuer: auth.issuer, audience: auth.audience, now: () => new Date() },
  })
  const make = async (index: number) => {
    const [id, sessionId] = [uuidv7(), uuidv7()]
    const { token } = await tokens.issue({ userId: id, sessionId })
    return { id, sessionId, Email: emailOf(prefix, index), Password: password, Token: token }
  }
  const accounts: Account[] = []
  await withConnection(ownerUrl, async (client) => {
    while (accounts.length < count) {
      const size = Math.min(atOnce, count - accounts.length)
      const made = await Promise.all(Array.from({ length: size }, (_, at) => make(accounts.length + at)))
      const [ids, sessions] = [made.map(({ id }) => id), made.map(({ sessionId }) => sessionId)]
      await client.query(
        `insert into users (id, email, name, password_hash)
         select id, email, 'User', $3 from unnest($1::uuid[], $2::text[]) row (id, email)`,
        [ids, made.map(({ Email }) => Email), hash],
      )
      await client.query(
        `insert into sessions (id, user_id, expires_at)
         select id, user_id, now() + interval '1 day' from unnest($1::uuid[], $2::uuid[]) row (id, user_id)`,
        [sessions, ids],
      )
      for (const { Email, Password, Token } of made) accounts.push({ Email, Password, Token })
    }
    await client.query('vacuum analyze users, sessions')
  })
  return accounts
}

const hashAt = async (hashing: Config['hashing']): Promise<string> => {
  const hasher = await createPasswordHasher(hashing)
  try {
    return await hasher.hash(password)
  } finally {
    await hasher.close()
  }
}
