import type { RequestHead } from '../context.ts'
import type { Allowance } from '../platform/budgets.ts'
import type { Exchange, HeaderMap } from './exchange.ts'

/** Maps of headers are classes, since one that is filled from another one by one costs as much again to make and to write. */
class SecurityHeaders {
  [name: string]: string
  'x-content-type-options' = 'nosniff'
  'x-frame-options' = 'DENY'
  'referrer-policy' = 'no-referrer'
  'permissions-policy' = 'geolocation=(), microphone=(), camera=()'
  'strict-transport-security' = 'max-age=31536000; includeSubDomains'
  'cross-origin-opener-policy' = 'same-origin'
  'cross-origin-resource-policy' = 'same-origin'
}

/** Sent with every reply. */
export const securityHeaders: HeaderMap = { ...new SecurityHeaders() }

/** Headers still to be added to. */
class ReplyHeaders extends SecurityHeaders {
  'x-request-id': string

  constructor(requestId: string) {
    super()
    this['x-request-id'] = requestId
  }
}

/** What of a request its reply names. */
type ReplyNames = Pick<RequestHead, 'id'> & Partial<Pick<RequestHead, 'budget'>>

/** What every reply to this request carries, in a new map. */
export const headersOfReply = (exchange: Exchange, head: ReplyNames, cors: Cors): Record<string, string> => {
  const headers = new ReplyHeaders(head.id)
  addHeaders(headers, cors(exchange))
  if (head.budget) addBudget(headers, head.budget)
  return headers
}

/** The headers of an answer over those of every reply. */
export const joinHeaders = (every: HeaderMap, own: HeaderMap): HeaderMap => addHeaders({ ...every }, own)

/** Lays `own` over `every`, which it changes. Both may say what the reply varies by, and caches must heed all of it. */
export const addHeaders = (every: Record<string, string>, own: HeaderMap | undefined): HeaderMap => {
  const { vary } = every
  for (const name in own) every[name] = own[name] ?? ''
  if (vary !== undefined && own?.vary !== undefined) every.vary = `${vary}, ${own.vary}`
  return every
}

const requestHeaders =
  'Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Request-ID, X-Tenant-ID, traceparent, trpc-accept'
const exposedHeaders = 'ETag, Idempotent-Replay, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID'
const preflightSeconds = 86_400

/** Decides which headers let a page of another origin read the reply; undefined when none do. */
export type Cors = (exchange: Exchange) => HeaderMap | undefined

/**
 * CORS for a list of origins, `*` for all. Credentials are never allowed: tokens travel in a header that scripts set.
 */
export const createCors = (origins: readonly string[]): Cors => {
  if (origins.length === 0) return () => undefined
  const any = origins.includes('*')
  const allowed = new Set(origins)
  return ({ headers, method }) => {
    const origin = headers.origin
    if (origin === undefined || !(any || allowed.has(origin))) return any ? undefined : { vary: 'Origin' }
    const reply: Record<string, string> = {
      'access-control-allow-origin': any ? '*' : origin,
      'access-control-expose-headers': exposedHeaders,
      // Whoever may read the reply from another origin must not be stopped by the resource policy.
      'cross-origin-resource-policy': 'cross-origin',
      ...(any ? {} : { vary: 'Origin' }),
    }
    if (method !== 'OPTIONS') return reply
    return {
      ...reply,
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': requestHeaders,
      'access-control-max-age': String(preflightSeconds),
    }
  }
}

/** What is left of the budget that the call spent, in the fields of draft-ietf-httpapi-ratelimit-headers-10. */
const addBudget = (headers: Record<string, string>, { rate, quota, remaining, resetSeconds }: Allowance): void => {
  headers['ratelimit-policy'] = `"${rate}";q=${quota};w=60`
  headers.ratelimit = `"${rate}";r=${remaining};t=${resetSeconds}`
}
