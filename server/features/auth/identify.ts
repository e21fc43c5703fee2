import type { Person } from '../../context.ts'
import type { AccessTokens } from '../../platform/tokens.ts'
import type { Identify, Identity } from '../../rpc/gates.ts'

export interface FoundActor {
  readonly session_id: string
  readonly user: Person
  /** There when reads may come from a replica. */
  readonly wrote_lately?: boolean
}

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
    return found?.user.id === claims.userId ? identityOf(found) : undefined
  }

/** Plain, since it is made for every call. */
export const identityOf = ({ session_id, user, wrote_lately }: FoundActor): Identity => ({
  userId: user.id,
  credentialId: session_id,
  kind: 'session',
  user,
  wroteLately: wrote_lately,
})
