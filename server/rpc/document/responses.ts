import type { Entry } from '../../../contract/define.ts'
import { impliedErrors } from '../../../contract/implied.ts'
import { type ErrorCode, errors } from '../../../contract/vocabulary.ts'
import { cacheHeaders, challengeHeaders, replayHeaders, requestIdHeader, retryHeaders } from './components.ts'
import type { JsonObject, Operation, Reference, Response } from './shape.ts'

const success: Readonly<Record<number, string>> = {
  200: 'The answer.',
  201: 'Created.',
  204: 'Done. There is no body.',
}

/** The replies of an entry when all goes well. `schema` is its envelope; without one the reply has no body. */
export const successResponses = (rules: Entry, schema: JsonObject | undefined): Operation['responses'] => {
  const status = schema ? (rules.http[2] ?? 200) : 204
  return {
    [status]: {
      description: success[status] ?? 'The answer.',
      headers: successHeaders(rules),
      ...(schema && { content: { [mediaTypeOf(rules)]: { schema } } }),
    },
    ...(isCached(rules) && {
      304: { description: 'The answer named in If-None-Match still holds. There is no body.', headers: cacheHeaders },
    }),
  }
}

/** The schema of a stream is that of one event; OpenAPI 3.1 has no other word for it. */
const mediaTypeOf = ({ kind }: Entry) => (kind === 'subscription' ? 'text/event-stream' : 'application/json')

const isCached = (rules: Entry) => rules.kind === 'query' && rules.cache !== undefined

const successHeaders = (rules: Entry) => {
  if (isCached(rules)) return cacheHeaders
  return rules.kind === 'mutation' && rules.idempotency === 'key' ? replayHeaders : requestIdHeader
}

/** Refusals that several entries share, by name. Only those that rules imply: what an entry declares stands with it. */
export type SharedResponses = Map<string, Response>

/** The refusals of an entry, one for each status. Those made of implied codes alone go to `shared` and are named here. */
export const failureResponses = (rules: Entry, shared: SharedResponses): Operation['responses'] => {
  const implied = new Set<string>(impliedErrors(rules))
  const codes = [...new Set([...implied, ...(rules.errors ?? [])])].map(known)
  const responses: Record<number, Response | Reference> = {}
  for (const status of new Set(codes.map(statusOf))) {
    const some = codes.filter((code) => statusOf(code) === status)
    responses[status] = failureResponse(status, some)
    if (!some.every((code) => implied.has(code))) continue
    const name = `${status}.${some.join('-')}`
    shared.set(name, failureResponse(status, some))
    responses[status] = { $ref: `#/components/responses/${name}` }
  }
  return responses
}

const statusOf = (code: ErrorCode): number => errors[code][0]

const known = (code: string): ErrorCode => {
  if (!Object.hasOwn(errors, code)) throw new Error(`The error code ${code} is not in contract/errors.ts.`)
  return code as ErrorCode
}

/** The example shows the last code: where an entry declares its own, that one. */
const failureResponse = (status: number, codes: readonly ErrorCode[]): Response => ({
  description: codes.map((code) => `- \`${code}\`: ${errors[code][1]}`).join('\n'),
  headers: failureHeaders(status),
  content: {
    'application/json': {
      schema: {
        allOf: [
          { $ref: '#/components/schemas/Failure' },
          { properties: { error: { properties: { code: { enum: codes } } } } },
        ],
      },
      example: exampleOf(codes.at(-1) ?? 'internal'),
    },
  },
})

const exampleOf = (code: ErrorCode): JsonObject => ({
  success: false,
  error: { code, message: errors[code][1] },
  request_id: '2f0c1c1e-6a55-4c50-9f7d-0d5a3c1f9b42',
})

const failureHeaders = (status: number) => {
  if (status === 401) return challengeHeaders
  return status === 429 || status === 503 ? retryHeaders : requestIdHeader
}
