import { uuidv7 } from 'uuidv7'
import { withConnection } from '../../../db/oneConnection.ts'
import type { Config } from '../../config.ts'
import { createAccessTokens } from '../../platform/tokens.ts'
import type { Account } from './accounts.ts'
import type { OwnServer } from './ownServer.ts'
import { emailOf, password } from './scenarios.ts'
import { hashAt, storeSignedIn } from './signedIn.ts'

const atOnce = 5_000
/** However long the measurement takes. */
const tokenSeconds = 86_400

/** Writes accounts that are signed in into the database of a server of our own. They share one hash. */
export const makeAccounts = async (
  { auth, hashing }: Config,
  { ownerUrl, secret }: OwnServer,
  { count, prefix }: { readonly count: number; readonly prefix: string },
): Promise<Account[]> => {
  const passwordHash = await hashAt(password, hashing)
  const tokens = await createAccessTokens({
    ...{ secret, previousSecrets: [], keys: [], ttlSeconds: tokenSeconds },
    ...{ issuer: auth.issuer, audience: auth.audience, now: () => new Date() },
  })
  const make = async (index: number) => {
    const [id, sessionId] = [uuidv7(), uuidv7()]
    const { token } = await tokens.issue({ userId: id, sessionId })
    return { id, sessionId, email: emailOf(prefix, index), passwordHash, token }
  }
  const accounts: Account[] = []
  while (accounts.length < count) {
    const size = Math.min(atOnce, count - accounts.length)
    const made = await Promise.all(Array.from({ length: size }, (_, at) => make(accounts.length + at)))
    await storeSignedIn(ownerUrl, made)
    for (const { email, token } of made) accounts.push({ Email: email, Password: password, Token: token })
  }
  await withConnection(ownerUrl, (client) => client.query('vacuum analyze users, sessions'))
  return accounts
}
