import type { AnyTRPCRouter } from '@trpc/server'
import { resolveResponse } from '@trpc/server/http'
import type { TrpcContext } from '../rpc/router.ts'
import type { Answer, Exchange } from './exchange.ts'
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
    createContext: async (): Promise<TrpcContext> => ({ head }),
  })
  return sendResponse(exchange, response, visit)
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
  if (!response.body || !isStream) return { status: response.status, headers, body: (await response.text()) || null }
  const writer = exchange.stream(response.status, { ...visit.replyHeaders(), ...headers })
  for await (const chunk of response.body) {
    if (exchange.isAborted) break
    if (!writer.write(chunk)) await writer.drained()
  }
  writer.end()
  return null
}
