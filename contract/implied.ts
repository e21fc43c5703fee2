import type { Entry } from './define.ts'
import type { ErrorCode } from './errors.ts'

/** Whatever an entry does: its request may be broken, too frequent, or come at a bad moment. */
const always: readonly ErrorCode[] = [
  'request.malformed',
  'rate_limited',
  'internal',
  'overloaded',
  'unavailable',
  'deadline_exceeded',
]
const withBody: readonly ErrorCode[] = ['request.too_large', 'request.unsupported_media_type']
const withActor: readonly ErrorCode[] = [
  'auth.missing_token',
  'auth.invalid',
  'apikey.invalid',
  'tenant.invalid',
  'tenant.forbidden',
]
const withKey: readonly ErrorCode[] = ['idempotency.key_invalid', 'idempotency.key_reused', 'idempotency.in_progress']

/** POST, PUT and PATCH are read as JSON, also where nothing is asked for: a body that is there must be a good one. */
const readsBody = ({ http: [verb] }: Entry) => verb === 'POST' || verb === 'PUT' || verb === 'PATCH'

const needsPermission = ({ access }: Entry) => access !== 'public' && access !== 'user' && access !== 'session'

/** The codes that follow from the rules of an entry, so that no entry declares them. */
export const impliedErrors = (entry: Entry): ErrorCode[] => [
  ...always,
  ...(entry.input ? (['validation'] as const) : []),
  ...(readsBody(entry) ? withBody : []),
  ...(entry.access === 'public' ? [] : withActor),
  ...(entry.access === 'session' ? (['apikey.user_session_required'] as const) : []),
  ...(entry.flag === undefined ? [] : (['route.not_found'] as const)),
  ...(needsPermission(entry) ? (['rbac.permission_required'] as const) : []),
  ...(entry.kind === 'mutation' && entry.idempotency === 'key' ? withKey : []),
]
