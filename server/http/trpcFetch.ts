import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import { resolveResponse } from '@trpc/server/http'
import { failureOf, type TrpcContext } from '../rpc/router.ts'
import { failureHeaders } from './envelope.ts'
import type { Answer, Exchange, HeaderMap } from './exchange.ts'
import { joinHeaders } from './headers.ts'
import { readBody } from './json.ts'
import type { Visit } from './route.ts'

/** More calls than this in one batch are refused. */
export const batchSizeMax = 100

/** Answers by tRPC's own resolver: streamed batches, form data, octet streams. Null when the reply is a stream. */
export const resolveByTrpc = async (router: AnyTRPCRouter, visit: Visit): Promise<Answer | null> => {
  const { exchange, head, params } = visit
  const response = await resolveResponse({
    router,
    req: await toRequest(exchange),
    path: params[0] ?? '',
    error: null,
    allowMethodOverride: true,
    maxBatchSize: batchSizeMax,
    createContext: async ({ info }): Promise<TrpcContext> => {
      head.isBatch = info.calls.length > 1
      return { head, replay: { isReplay: false } }
    },
    responseMeta: ({ ctx, errors, data, eagerGeneration }) => ({
      headers: new Headers(eagerGeneration || data.length !== 1 ? [] : Object.entries(replyHeaders(ctx, errors[0]))),
    }),
  })
  return sendResponse(exchange, response, visit)
}

/** The headers of a single call, as our own responder gives them. */
const replyHeaders = (context: TrpcContext | undefined, error: TRPCError | undefined): HeaderMap => {
  if (error) return failureHeaders(failureOf(error))
  return context?.replay.isReplay ? { 'idempotent-replay': 'true' } : {}
}

const toRequest = async (exchange: Exchange): Promise<Request> => {
  const url = `http://localhost${exchange.path}${exchange.query === '' ? '' : `?${exchange.query}`}`
  const body = exchange.method === 'POST' ? new Uint8Array(await readBody(exchange)) : null
  return new Request(url, {
    method: exchange.method,
    headers: exchange.headers,
    body: body && body.length > 0 ? body : null,
    signal: exchange.signal,
  })
}

/** Headers that belong to the connection, which the adapter writes. */
const ofConnection = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding'])

const sendResponse = async (exchange: Exchange, response: Response, visit: Visit): Promise<Answer | null> => {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !ofConnection.has(name)))
  const isStream = response.headers.get('transfer-encoding') === 'chunked'
  if (!response.body || !isStream) return whole(response, headers, visit.head.id)
  const writer = exchange.stream(response.status, joinHeaders(visit.replyHeaders(), headers))
  for await (const chunk of response.body) {
    if (exchange.isAborted) break
    if (!writer.write(chunk)) await writer.drained()
  }
  writer.end()
  return null
}

/**
 * A reply in one piece. When tRPC refuses a request before it has a context, it knows neither the request id nor the
 * type of its own answer.
 */
const whole = async (response: Response, headers: HeaderMap, requestId: string): Promise<Answer> => {
  const text = await response.text()
  if (text === '') return { status: response.status, headers, body: null }
  return {
    status: response.status,
    headers: { ...headers, 'content-type': 'application/json' },
    body: text.replace('"request_id":""', `"request_id":"${requestId}"`),
  }
}
