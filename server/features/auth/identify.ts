import type { Person } from '../../context.ts'
import type { AccessTokens } from '../../platform/tokens.ts'
import type { Identify } from '../../rpc/gates.ts'

/** `wrote_lately` is there when reads may come from a replica. */
export type FoundActor = Person & { readonly session_id: string; readonly wrote_lately?: boolean }

/** Reads the person behind a live session; undefined when the session is over or the account disabled. */
export type FindActor = (sessionId: string) => Promise<FoundActor | undefined>

/** The token says which session; whether it still stands is read for each call, so a token dies with its session. */
export const createIdentify =
  (tokens: AccessTokens, findActor: FindActor): Identify =>
  async (token) => {
    const known = tokens.verify(token)
    const claims = known instanceof Promise ? await known : known
    if (!claims) return undefined
    const found = await findActor(claims.sessionId)
    if (!found || found.id !== claims.userId) return undefined
    const { session_id: credentialId, wrote_lately: wroteLately, ...user } = found
    return { userId: user.id, credentialId, kind: 'session', user, wroteLately }
  }
