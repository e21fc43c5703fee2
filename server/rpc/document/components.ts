import type { Entry } from '../../../contract/define.ts'
import type { JsonObject, Reference } from './shape.ts'

const header = (name: string): Readonly<Record<string, Reference>> => ({
  [name]: { $ref: `#/components/headers/${name}` },
})

/** Headers by the case they are sent in; the reply to everything has the first. */
export const requestIdHeader = header('X-Request-ID')
export const retryHeaders = { ...requestIdHeader, ...header('Retry-After') }
export const challengeHeaders = { ...requestIdHeader, ...header('WWW-Authenticate') }
export const replayHeaders = { ...requestIdHeader, ...header('Idempotent-Replay') }
export const cacheHeaders = { ...requestIdHeader, ...header('ETag'), ...header('Cache-Control'), ...header('Vary') }

export const headers: Readonly<Record<string, JsonObject>> = {
  'X-Request-ID': {
    description: 'Names this request in logs and reports: the one that was sent, or a new one.',
    required: true,
    schema: { type: 'string' },
  },
  'Retry-After': { description: 'Seconds to wait before trying again.', schema: { type: 'integer', minimum: 1 } },
  'WWW-Authenticate': { description: 'How to authenticate.', required: true, schema: { const: 'Bearer' } },
  'Idempotent-Replay': {
    description: 'There when this is the answer to an earlier request with the same Idempotency-Key.',
    schema: { const: 'true' },
  },
  ETag: {
    description: 'Names what `data` holds, to be sent as If-None-Match.',
    required: true,
    schema: { type: 'string' },
  },
  'Cache-Control': {
    description: 'How long the answer may be used without asking again, by the client alone.',
    required: true,
    schema: { type: 'string' },
  },
  Vary: {
    description: 'The answer depends on these request headers.',
    required: true,
    schema: { const: 'Authorization, X-Tenant-ID' },
  },
}

const parameter = (name: string): Reference => ({ $ref: `#/components/parameters/${name}` })

/** The headers that an entry takes, by its rules. */
export const headerParameters = (rules: Entry): Reference[] => [
  ...(rules.access !== 'public' && rules.tenancy !== 'path' ? [parameter('X-Tenant-ID')] : []),
  ...(rules.kind === 'mutation' && rules.idempotency === 'key' ? [parameter('Idempotency-Key')] : []),
  ...(rules.kind === 'query' && rules.cache ? [parameter('If-None-Match')] : []),
]

export const parameters: Readonly<Record<string, JsonObject>> = {
  'Idempotency-Key': {
    in: 'header',
    name: 'Idempotency-Key',
    description: 'Names one wish, however often it is sent: a retry has no second effect and gets the first answer.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]+$' },
  },
  'If-None-Match': {
    in: 'header',
    name: 'If-None-Match',
    description: 'The ETag of an earlier answer: the reply is 304 while it still holds.',
    schema: { type: 'string' },
  },
  'X-Tenant-ID': {
    in: 'header',
    name: 'X-Tenant-ID',
    description: 'The tenant to work in, one of those of the caller. Without it: what belongs to no tenant.',
    schema: { type: 'string', format: 'uuid' },
  },
}

export const securitySchemes: Readonly<Record<string, JsonObject>> = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An access token (a JWT, from `auth.login`) or an API key (`tf_...`).',
  },
}
