import { uuidv7 } from 'uuidv7'
import type { contract } from '../../../contract/index.ts'
import type { Context } from '../../context.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import {
  endOtherSessions,
  endSession,
  endSessionOfUsedToken,
  insertSession,
  rotateRefreshToken,
} from '../sessions/queries.ts'
import { findPasswordHash, findUserByEmail, insertUser, replacePasswordHash } from './queries.ts'
import { hashRefreshToken, newRefreshToken } from './refreshToken.ts'

export const auth: Handlers<typeof contract.auth> = {
  async register(call) {
    const { passwords, transaction, record, input, fail } = call
    const passwordHash = await passwords.hash(input.password)
    const userId = uuidv7()
    const session = openSession(call, userId)
    return transaction(async (tx) => {
      const [user] = await insertUser(tx, { id: userId, email: input.email, name: input.name, passwordHash })
      if (!user) throw fail('user.email_taken')
      await Promise.all([
        insertSession(tx, { ...session.row, passwordHash }),
        record(tx, { topic: 'user.registered', target: userId, person: userId, payload: user }),
      ])
      return { user, tokens: session.tokens }
    })
  },

  async login(call) {
    const { readAs, passwords, guesses, transaction, record, input, fail } = call
    const mayGuess = await guesses.tryGuess(input.email)
    const [found] = await readAs((db) => findUserByEmail(db, { email: input.email }))
    const user = mayGuess ? found : undefined
    if (!user) {
      // As much work as for a known e-mail, so that time tells neither which accounts exist nor which are guessed at.
      await passwords.verifyDummy(input.password)
      throw fail('user.invalid_credentials')
    }
    const { matches, needsRehash } = await passwords.verify(input.password, user.password_hash)
    if (!matches || user.disabled_at) throw fail('user.invalid_credentials')
    await guesses.forgiveGuess(input.email)
    const rehashed = needsRehash ? await passwords.hash(input.password) : undefined
    const session = openSession(call, user.id)
    return transaction(async (tx) => {
      if (rehashed)
        await replacePasswordHash(tx, { userId: user.id, passwordHash: rehashed, previous: user.password_hash })
      // Sent together: without a session the failure takes the event back.
      const [[begun]] = await Promise.all([
        insertSession(tx, { ...session.row, passwordHash: rehashed ?? user.password_hash }),
        record(tx, { topic: 'session.started', target: session.row.id, person: user.id, payload: {} }),
      ])
      if (!begun) throw fail('user.invalid_credentials')
      return { user, tokens: session.tokens }
    })
  },

  async refresh({ transaction, record, tokens, lifetimes, input, fail }) {
    const tokenHash = hashRefreshToken(input.refresh_token)
    const next = newRefreshToken()
    return transaction(async (tx) => {
      const { refreshSeconds: ttlSeconds, sessionSeconds: maxSeconds } = lifetimes
      const [rotated] = await rotateRefreshToken(tx, { tokenHash, nextHash: next.tokenHash, ttlSeconds, maxSeconds })
      if (rotated) {
        const { session_id: target, user_id: person } = rotated
        await record(tx, { topic: 'session.refreshed', target, person, payload: {} })
        const access = tokens.issue({ userId: rotated.user_id, sessionId: rotated.session_id })
        return tokenPair(access, next.token)
      }
      // Returned, not thrown: ending the session must be committed.
      const [ended] = await endSessionOfUsedToken(tx, { tokenHash })
      if (!ended) return fail('auth.invalid')
      const { id: target, user_id: person } = ended
      await record(tx, { topic: 'session.ended', target, person, payload: { reason: 'token_reused' } })
      return fail('auth.token_reused')
    })
  },

  async logout({ transaction, record, actor }) {
    const { credentialId: id, userId } = actor
    return transaction(async (tx) => {
      const [ended] = await endSession(tx, { id, userId })
      if (ended) await record(tx, { topic: 'session.ended', target: id, payload: { reason: 'signed_out' } })
    })
  },

  async me({ actor }) {
    return actor.user
  },

  async changePassword({ db, passwords, transaction, record, actor, input, fail }) {
    const [stored] = await findPasswordHash(db, { userId: actor.userId })
    const previous = stored?.password_hash ?? ''
    const { matches } = await passwords.verify(input.current_password, previous)
    const passwordHash = matches ? await passwords.hash(input.new_password) : undefined
    return transaction(async (tx) => {
      // Refused only here: a retry of a change that was made names the old password, and is answered by its key.
      if (!passwordHash) throw fail('user.invalid_credentials')
      const [changed] = await replacePasswordHash(tx, { userId: actor.userId, passwordHash, previous })
      if (!changed) throw fail('user.invalid_credentials')
      await endOtherSessions(tx, { userId: actor.userId, keep: actor.credentialId })
      await record(tx, { topic: 'user.password_changed', target: actor.userId, payload: {} })
    })
  },
}

const tokenPair = (access: { token: string; expiresAt: Date }, refreshToken: string) => ({
  access_token: access.token,
  refresh_token: refreshToken,
  token_type: 'Bearer' as const,
  expires_at: access.expiresAt,
})

/** Makes everything of a new session that needs no database, so that the transaction stays short. */
const openSession = (
  { tokens, request, lifetimes }: Pick<Context, 'tokens' | 'request' | 'lifetimes'>,
  userId: string,
) => {
  const id = uuidv7()
  const refresh = newRefreshToken()
  const row = {
    id,
    userId,
    userAgent: request.userAgent.slice(0, 512),
    ip: request.address,
    tokenHash: refresh.tokenHash,
    ttlSeconds: lifetimes.refreshSeconds,
  }
  return { row, tokens: tokenPair(tokens.issue({ userId, sessionId: id }), refresh.token) }
}
