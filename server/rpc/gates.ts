import type { Entry } from '../../contract/define.ts'
import type { Actor, PermissionsNow, Person } from '../context.ts'
import type { Budgets } from '../platform/budgets.ts'
import { refuse } from './failure.ts'
import type { Gate, OpenCall } from './procedure.ts'

/** The person behind a token, before it is known what they may do. */
export interface Identity {
  readonly userId: string
  readonly credentialId: string
  readonly kind: Actor['kind']
  readonly user: Person
  /** The bucket that a ticket was issued in; undefined where a header names it. */
  readonly ticketBucket?: string
  readonly wroteLately?: boolean | undefined
  /** What an API key may be used for; undefined for a session, which may do all that its person may. */
  readonly scopes?: readonly string[]
}

/** Finds the person behind a bearer token; undefined for every token that is not good, whatever the reason. */
export type Identify = (token: string) => Identity | undefined | Promise<Identity | undefined>

/** What a person holds, read once a call. */
export interface Standing {
  /** Codes granted globally. */
  readonly global: readonly string[]
  /** Codes that count in the tenant asked for: granted there or globally. */
  readonly inTenant: readonly string[]
  /** The person may work in the tenant: it exists, and they are a member or a global administrator. */
  readonly mayEnter: boolean
}

/** Uses a ticket up: the person it was issued to, if their session or key is still good. */
export type RedeemTicket = (ticket: string) => Promise<Identity | undefined>

/** Looks again at a credential that was good when it was presented. */
export type FindAgain = (actor: Pick<Actor, 'kind' | 'credentialId'>) => Promise<Identity | undefined>

/** The codes of the roles that somebody holds everywhere and in the tenant. */
export type FindRoles = (userId: string, tenantId: string | undefined) => Promise<readonly string[]>

export type FindStanding = (userId: string, tenantId: string | undefined) => Promise<Standing>

export interface GateParts {
  readonly budgets: Budgets
  readonly identifySession: Identify
  readonly identifyKey: Identify
  readonly redeemTicket: RedeemTicket
  readonly findAgain: FindAgain
  readonly findStanding: FindStanding
  readonly findRoles: FindRoles
  /** Whether what a flag says depends on roles. */
  readonly asksForRoles: () => boolean
}

/** What every API key begins with. */
const keyMark = 'tf_'

/** Before any input is read: who calls, in which tenant, and whether they may. */
export const createGate =
  (parts: GateParts): Gate =>
  async (rules, call) => {
    const identity = await authenticate(parts, rules, call)
    const principal = identity?.credentialId ?? call.request.clientKey
    call.request.budget = await parts.budgets.spendClass(rules.rate, principal)
    if (!identity) return requireFlag(rules, call)
    call.request.userId = identity.userId
    if (rules.access === 'session' && identity.kind === 'key') throw refuse('apikey.user_session_required')
    const { ticketBucket } = identity
    const tenantId = ticketBucket === undefined ? tenantOf(call.request.tenantHeader) : tenantOfBucket(ticketBucket)
    if (tenantId !== undefined && rules.tenancy === 'bucket') call.bucket = tenantId
    const permissions = needsStanding(rules, tenantId)
      ? await standingOf(parts, rules, { identity, tenantId })
      : nothing
    call.actor = { ...identity, permissions }
    call.tenantId = tenantId
    if (parts.asksForRoles()) call.roles = await parts.findRoles(identity.userId, tenantId)
    requireFlag(rules, call)
    authorize(rules, permissions)
  }

/** Reads anew what somebody may do, for what lasts longer than a call. */
export const createPermissionsNow =
  ({ findAgain, findStanding }: GateParts): PermissionsNow =>
  async (actor, bucket) => {
    const identity = await findAgain(actor)
    if (identity?.userId !== actor.userId) return undefined
    const tenantId = tenantOfBucket(bucket)
    const { global, inTenant, mayEnter } = await findStanding(identity.userId, tenantId)
    if (tenantId === undefined) return withinScopes(identity, global)
    return mayEnter ? withinScopes(identity, inTenant) : undefined
  }

const tenantOfBucket = (bucket: string) => (bucket === 'global' ? undefined : bucket)

const nothing: ReadonlySet<string> = new Set()

/**
 * Finds the caller; undefined on public entries, which do not look at tokens at all. Calls without valid credentials
 * spend the budget of their address; callers who are known do not, so a stranger behind the same address cannot stop
 * them.
 */
const authenticate = async (parts: GateParts, { access, kind }: Entry, { request }: OpenCall) => {
  const { budgets } = parts
  const token = access === 'public' ? undefined : bearerToken(request.authorization)
  if (token === undefined && kind === 'subscription' && request.ticket !== undefined) {
    const identity = await parts.redeemTicket(request.ticket)
    if (identity) return identity
    await budgets.spendAddress(request.clientKey)
    throw refuse('stream.ticket_invalid')
  }
  if (token === undefined) {
    await budgets.spendAddress(request.clientKey)
    if (access === 'public') return undefined
    throw refuse('auth.missing_token')
  }
  const isKey = token.startsWith(keyMark)
  const identity = await (isKey ? parts.identifyKey(token) : parts.identifySession(token))
  if (identity) return identity
  await budgets.spendAddress(request.clientKey)
  throw refuse(isKey ? 'apikey.invalid' : 'auth.invalid')
}

/** RFC 6750 2.1; the scheme is compared without case, RFC 9110 11.1. */
const bearerToken = (authorization = ''): string | undefined => /^bearer +(\S+)$/i.exec(authorization.trim())?.[1]

const uuids = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

const tenantOf = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined
  if (!uuids.test(header)) throw refuse('tenant.invalid')
  return header.toLowerCase()
}

/** The entries of a person's own small things ask for no grants, so they are spared the read. */
const needsStanding = ({ access, tenancy }: Entry, tenantId: string | undefined) =>
  tenantId !== undefined || tenancy === 'bucket' || !(access === 'user' || access === 'session')

const standingOf = async (
  { findStanding }: GateParts,
  { tenancy }: Entry,
  { identity, tenantId }: { identity: Identity; tenantId: string | undefined },
): Promise<ReadonlySet<string>> => {
  const { global, inTenant, mayEnter } = await findStanding(identity.userId, tenantId)
  if (tenantId !== undefined && !mayEnter) throw refuse('tenant.forbidden')
  const held = tenantId === undefined || tenancy === 'global' ? global : inTenant
  return withinScopes(identity, held)
}

const withinScopes = ({ scopes }: Identity, held: readonly string[]): ReadonlySet<string> =>
  new Set(scopes === undefined || scopes.includes('*') ? held : held.filter((code) => scopes.includes(code)))

/** While its flag is off for the caller, an entry is answered as a path that leads nowhere. */
const requireFlag = ({ flag }: Entry, call: OpenCall): void => {
  // What the contract names is a flag that is on or off.
  if (flag !== undefined && !call.flags.isOn(flag as Parameters<OpenCall['flags']['isOn']>[0]))
    throw refuse('route.not_found')
}

/** Refuses an actor who lacks the permission that the entry names. */
const authorize = ({ access }: Entry, permissions: ReadonlySet<string>): void => {
  if (access === 'public' || access === 'user' || access === 'session' || permissions.has(access)) return
  throw refuse('rbac.permission_required', { meta: { permission: access } })
}
