import type { RequestHead } from '../context.ts'
import type { Exchange, HeaderMap } from './exchange.ts'

/** Sent with every reply. */
export const securityHeaders: HeaderMap = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'geolocation=(), microphone=(), camera=()',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** The headers of an answer over those of every reply. Both may say what they vary by, and caches must heed all of it. */
export const joinHeaders = (every: HeaderMap, own: HeaderMap): HeaderMap =>
  every.vary !== undefined && own.vary !== undefined
    ? { ...every, ...own, vary: `${every.vary}, ${own.vary}` }
    : { ...every, ...own }

const requestHeaders =
  'Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Request-ID, X-Tenant-ID, traceparent, trpc-accept'
const exposedHeaders = 'ETag, Idempotent-Replay, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID'
const preflightSeconds = 86_400

/** Decides which headers let a page of another origin read the reply. */
export type Cors = (exchange: Exchange) => HeaderMap

/**
 * CORS for a list of origins, `*` for all. Credentials are never allowed: tokens travel in a header that scripts set.
 */
export const createCors = (origins: readonly string[]): Cors => {
  if (origins.length === 0) return () => ({})
  const any = origins.includes('*')
  const allowed = new Set(origins)
  return ({ headers, method }) => {
    const origin = headers.origin
    if (origin === undefined || !(any || allowed.has(origin))) return any ? {} : { vary: 'Origin' }
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
export const budgetHeaders = ({ budget }: RequestHead): HeaderMap =>
  budget === undefined
    ? {}
    : {
        'ratelimit-policy': `"${budget.rate}";q=${budget.quota};w=60`,
        ratelimit: `"${budget.rate}";r=${budget.remaining};t=${budget.resetSeconds}`,
      }
