import type { Actor } from '../context.ts'
import { refuse } from './failure.ts'
import type { Gate } from './procedure.ts'

/** Finds the person behind a bearer token; undefined for every token that is not good, whatever the reason. */
export type Identify = (token: string) => Actor | undefined | Promise<Actor | undefined>

const bearer = (authorization: string | undefined): string => {
  if (!authorization) throw refuse('auth.missing_token')
  if (!/^bearer /i.test(authorization)) throw refuse('auth.missing_token')
  const token = authorization.slice(7).trim()
  if (token === '') throw refuse('auth.missing_token')
  return token
}

/** What an address may ask for without valid credentials. `spend` rejects with `rate_limited` when it is used up. */
export interface AddressBudget {
  readonly spend: (address: string) => Promise<void>
}

/**
 * Fills in the actor, or refuses. Public entries do not look at tokens at all. Calls without valid credentials spend
 * the budget of their address; callers who are known do not, so a stranger behind the same address cannot stop them.
 */
export const authenticate =
  (identify: Identify, budget: AddressBudget): Gate =>
  async ({ access }, call) => {
    const { request } = call
    if (access === 'public' || request.authorization === undefined) await budget.spend(request.address)
    if (access === 'public') return
    const actor = await identify(bearer(request.authorization))
    if (!actor) {
      await budget.spend(request.address)
      throw refuse('auth.invalid')
    }
    call.actor = actor
    request.userId = actor.userId
  }

/** Refuses an actor who lacks the permission that the entry names. */
export const authorize: Gate = ({ access }, { actor }) => {
  if (access === 'public' || access === 'user' || access === 'session') return
  if (!actor?.can(access)) throw refuse('rbac.permission_required', { meta: { permission: access } })
}
