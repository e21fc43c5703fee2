import { z } from 'zod'
import { Failed, succeeded } from '../../../contract/envelope.ts'
import { requestIdHeader, retryHeaders } from './components.ts'

const json = (description: string, schema: z.ZodType, headers = requestIdHeader) => ({
  description,
  headers,
  content: { 'application/json': { schema } },
})

const probe = (name: string, summary: string, data: z.ZodType) => ({
  operationId: `system.${name}`,
  summary,
  tags: ['system'],
  security: [],
  responses: { '200': json('Yes.', succeeded(data)) },
})

const health = probe(
  'health',
  'Is there a server, and which?',
  z.object({ status: z.literal('ok'), service: z.string(), version: z.string() }),
)
const live = probe('live', 'Does the process answer?', z.object({ status: z.literal('alive') }))
const ready = probe('ready', 'Should this instance get traffic?', z.object({ status: z.literal('ready') }))

/** RFC 7517. Raw, since clients of a key set expect no envelope. */
const Jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })) })

const keySet = {
  operationId: 'system.jwks',
  summary: 'The public keys by which access tokens are verified; none with a shared secret.',
  tags: ['system'],
  security: [],
  responses: {
    '200': {
      description: 'The key set.',
      headers: {
        ...requestIdHeader,
        ETag: { schema: { type: 'string' as const } },
        'Cache-Control': { schema: { type: 'string' as const } },
      },
      content: { 'application/jwk-set+json': { schema: Jwks } },
    },
    '304': { description: 'The copy named in If-None-Match is good.', headers: requestIdHeader },
  },
}

/** What the server answers outside the contract, for the people who run it. */
export const systemPaths = {
  '/healthz': { get: health },
  '/livez': { get: live },
  '/readyz': {
    get: {
      ...ready,
      responses: {
        ...ready.responses,
        '503': json('No: `unavailable`, with the reason in `meta.reason`.', Failed, retryHeaders),
      },
    },
  },
  '/.well-known/jwks.json': { get: keySet },
}
