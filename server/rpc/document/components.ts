import type { JsonObject, Reference } from './shape.ts'

const header = (name: string): Readonly<Record<string, Reference>> => ({
  [name]: { $ref: `#/components/headers/${name}` },
})

/** Headers by the case they are sent in; the reply to everything has the first. */
export const requestIdHeader = header('X-Request-ID')
export const retryHeaders = { ...requestIdHeader, ...header('Retry-After') }
export const challengeHeaders = { ...requestIdHeader, ...header('WWW-Authenticate') }
export const replayHeaders = { ...requestIdHeader, ...header('Idempotent-Replay') }

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
}

export const keyParameter: Reference = { $ref: '#/components/parameters/Idempotency-Key' }

export const parameters: Readonly<Record<string, JsonObject>> = {
  'Idempotency-Key': {
    in: 'header',
    name: 'Idempotency-Key',
    description: 'Names one wish, however often it is sent: a retry has no second effect and gets the first answer.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]+$' },
  },
}

export const securitySchemes: Readonly<Record<string, JsonObject>> = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An access token (a JWT, from `auth.login`) or an API key (`tf_...`).',
  },
}
