import { withConnection } from '../../../db/oneConnection.ts'
import { createPasswordHasher, type HashingOptions } from '../../platform/hashing/index.ts'

/** Somebody with an account and a session. */
export interface SignedIn {
  readonly id: string
  readonly sessionId: string
  readonly email: string
  readonly passwordHash: string
}

/** Writes accounts and sessions into the tables, where registering as many would take hours. */
export const storeSignedIn = (ownerUrl: string, people: readonly SignedIn[]): Promise<void> =>
  withConnection(ownerUrl, async (client) => {
    const column = (name: keyof SignedIn) => people.map((person) => person[name])
    await client.query(
      `insert into users (id, email, name, password_hash)
       select id, email, 'User', hash from unnest($1::uuid[], $2::text[], $3::text[]) row (id, email, hash)`,
      [column('id'), column('email'), column('passwordHash')],
    )
    await client.query(
      `insert into sessions (id, user_id, expires_at)
       select id, user_id, now() + interval '1 day' from unnest($1::uuid[], $2::uuid[]) row (id, user_id)`,
      [column('sessionId'), column('id')],
    )
  })

/** A hash that many accounts can share: salt and password do not change what a login costs. */
export const hashAt = async (password: string, cost: HashingOptions): Promise<string> => {
  const hasher = await createPasswordHasher(cost)
  try {
    return await hasher.hash(password)
  } finally {
    await hasher.close()
  }
}
