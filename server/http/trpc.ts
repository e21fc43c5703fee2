import type { AnyTRPCRouter } from '@trpc/server'
import type { Budgets } from '../platform/budgets.ts'
import type { EventStream } from '../platform/events/stream.ts'
import { type Failure, overloaded, refuse } from '../rpc/failure.ts'
import type { Procedure, Result } from '../rpc/procedure.ts'
import { toFailure } from '../rpc/toFailure.ts'
import { errorShape } from '../rpc/trpcError.ts'
import { withIdLater } from './busy.ts'
import { failureHeaders } from './envelope.ts'
import type { Answer, Exchange, HeaderMap } from './exchange.ts'
import { mediaType, parseJson, readJson } from './json.ts'
import type { Route, Visit } from './route.ts'
import { eventStreamHeaders, type ServeStream, trpcFraming } from './stream.ts'
import { batchSizeMax, resolveByTrpc } from './trpcFetch.ts'

const json: HeaderMap = { 'content-type': 'application/json', vary: 'trpc-accept, accept' }

export interface TrpcParts {
  readonly procedures: readonly Procedure[]
  readonly router: AnyTRPCRouter
  readonly budgets: Budgets
  readonly serveStream: ServeStream
}

/**
 * The procedures as @trpc/client speaks to them. JSON calls and batches are answered here without Fetch objects, at
 * about a tenth of the cost of tRPC's resolver; the rest goes to that resolver. A differential test holds both to the
 * same status, headers and body.
 */
export const trpcRoutes = ({ procedures, router, budgets, serveStream }: TrpcParts): Route[] => {
  const byPath = new Map(procedures.map((procedure) => [procedure.path, procedure]))
  const serve = async (visit: Visit): Promise<Answer | null> => {
    // A path that leads nowhere spends what every other such path does; the rest is counted at the gate.
    if (!leadsSomewhere(byPath, visit)) await budgets.spendAddress(visit.head.clientKey)
    const followed = byPath.get(visit.params[0] ?? '')
    if (
      followed?.rules.kind === 'subscription' &&
      visit.exchange.method !== 'POST' &&
      !visit.exchange.query.includes('batch=1')
    )
      return follow(followed, visit, serveStream)
    return isPlain(visit.exchange) ? answerCalls(byPath, visit) : resolveByTrpc(router, visit)
  }
  const whenBusy = refuseSingly(procedures)
  return [
    { method: 'GET', path: '/trpc/{path}', serve, whenBusy },
    { method: 'POST', path: '/trpc/{path}', serve, whenBusy },
  ]
}

/** One plain query or mutation is refused before it is looked into; all else by what it is made of. */
const refuseSingly = (procedures: readonly Procedure[]): NonNullable<Route['whenBusy']> => {
  const answers = new Map(
    procedures
      .filter(({ rules }) => rules.kind !== 'subscription')
      .map(({ path, rules }) => [
        path,
        { isQuery: rules.kind === 'query', answer: withIdLater((id) => answerOf(overloaded, path, id)) },
      ]),
  )
  return (exchange, params, id) => {
    const found = answers.get(params[0] ?? '')
    if (!found || exchange.method === 'HEAD' || exchange.query.includes('batch') || !isPlain(exchange)) return undefined
    const isPost = exchange.method === 'POST'
    if (isPost ? mediaType(exchange) !== 'application/json' : !found.isQuery) return undefined
    return found.answer(id)
  }
}

const answerOf = (failure: Failure, path: string | undefined, requestId: string): Answer => ({
  status: failure.status,
  headers: { ...json, ...failureHeaders(failure) },
  body: JSON.stringify({ error: errorShape(failure, path, requestId) }),
})

const leadsSomewhere = (byPath: ReadonlyMap<string, Procedure>, { params: [names = ''] }: Visit): boolean =>
  names.split(/,|%2c/i).every((name) => byPath.has(name))

/**
 * A subscription as httpSubscriptionLink reads it. A refusal comes as an event too: its client reads nothing of a reply
 * with another status.
 */
const follow = async (procedure: Procedure, visit: Visit, serveStream: ServeStream): Promise<Answer | null> => {
  const { exchange, head } = visit
  if (exchange.method === 'HEAD') return { status: 204, headers: {}, body: null }
  try {
    const { data } = await procedure.call(head, () => inputOfStream(exchange))
    serveStream(visit, data as EventStream, trpcFraming)
    return null
  } catch (error) {
    const failure = toFailure(error, head.log)
    const shape = errorShape(failure, procedure.path, head.id)
    // EventSource takes its time to come back from the stream alone, our own client from the header.
    const { 'retry-after': seconds } = failureHeaders(failure)
    const wait = seconds === undefined ? '' : `retry: ${Number(seconds) * 1000}\n`
    const headers = seconds === undefined ? eventStreamHeaders : { ...eventStreamHeaders, 'retry-after': seconds }
    return { status: 200, headers, body: `${wait}event: serialized-error\ndata: ${JSON.stringify(shape)}\n\n` }
  }
}

/** tRPC's client names the last event in the input, or EventSource in a header: `lastEventId` is its word for it. */
const inputOfStream = (exchange: Exchange): unknown => {
  const query = new URLSearchParams(exchange.query)
  const sent = query.get('input')
  const input: unknown = sent === null ? {} : parseJson(sent)
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  const { lastEventId, ...fields } = input as { lastEventId?: unknown; last_event_id?: unknown }
  const last = exchange.headers['last-event-id'] || query.get('lastEventId') || lastEventId || fields.last_event_id
  return last === undefined ? fields : { ...fields, last_event_id: last }
}

/** Everything but what only tRPC's resolver can do: answers in a stream, forms and bytes as input. */
const isPlain = (exchange: Exchange): boolean => {
  const accept = exchange.headers['trpc-accept'] ?? exchange.headers.accept ?? ''
  const type = mediaType(exchange)
  return !accept.includes('application/jsonl') && type !== 'multipart/form-data' && type !== 'application/octet-stream'
}

const answerCalls = async (byPath: ReadonlyMap<string, Procedure>, visit: Visit): Promise<Answer> => {
  const { exchange, head, params } = visit
  if (exchange.method === 'HEAD') return { status: 204, headers: {}, body: null }
  let calls: Calls
  try {
    calls = readCalls(byPath, exchange, params[0] ?? '')
  } catch (error) {
    return answerOf(toFailure(error, head.log), undefined, head.id)
  }
  head.isBatch = calls.paths.length > 1
  const outcomes = await Promise.all(calls.paths.map((path, index) => run(calls, { path, index, visit })))
  return { status: statusOf(outcomes), headers: headersOf(outcomes), body: bodyOf(outcomes, calls.isBatch) }
}

interface Calls {
  readonly isBatch: boolean
  readonly paths: readonly string[]
  readonly procedures: readonly (Procedure | undefined)[]
  readonly readInputs: () => Promise<unknown>
}

const readCalls = (byPath: ReadonlyMap<string, Procedure>, exchange: Exchange, raw: string): Calls => {
  const path = decodePath(raw)
  const type = mediaType(exchange)
  if (exchange.method === 'POST' && type !== 'application/json') throw refuse('request.unsupported_media_type')
  const query = exchange.query === '' ? undefined : new URLSearchParams(exchange.query)
  const isBatch = query?.get('batch') === '1'
  const paths = isBatch ? path.split(',') : [path]
  if (paths.length > batchSizeMax) throw refuse('request.malformed')
  const procedures = paths.map((name) => byPath.get(name))
  const kinds = new Set(procedures.flatMap((procedure) => (procedure ? [procedure.rules.kind] : [])))
  if (kinds.size > 1 || (isBatch && kinds.has('subscription'))) throw refuse('request.malformed')
  return { isBatch, paths, procedures, readInputs: inputsReader(exchange, query?.get('input') ?? undefined) }
}

const decodePath = (raw: string): string => {
  try {
    return decodeURIComponent(raw)
  } catch {
    throw refuse('request.malformed')
  }
}

/** Reads the inputs of all calls, once, when the first of them has passed its gates. */
const inputsReader = (exchange: Exchange, sent: string | undefined) => {
  let reading: Promise<unknown> | undefined
  const read = async () => {
    if (exchange.method === 'POST') return readJson(exchange)
    return sent ? parseJson(sent) : undefined
  }
  return () => {
    reading ??= read()
    return reading
  }
}

type Outcome =
  | { readonly result: Result }
  | { readonly failure: Failure; readonly shape: unknown; readonly allow?: string }

interface One {
  readonly path: string
  readonly index: number
  readonly visit: Visit
}

const run = async (calls: Calls, { path, index, visit }: One): Promise<Outcome> => {
  const { exchange, head } = visit
  const refused = (failure: Failure, allow?: string): Outcome => ({
    failure,
    shape: errorShape(failure, path, head.id),
    ...(allow === undefined ? {} : { allow }),
  })
  const procedure = calls.procedures[index]
  if (!procedure) return refused(refuse('route.not_found'))
  if (procedure.rules.kind === 'subscription') return refused(refuse('route.method_not_allowed'), 'GET')
  if (procedure.rules.kind === 'mutation' && exchange.method !== 'POST') {
    return refused(refuse('route.method_not_allowed'), 'POST')
  }
  try {
    return { result: await procedure.call(head, () => inputOf(calls, index)) }
  } catch (error) {
    return refused(toFailure(error, head.log))
  }
}

const inputOf = async ({ readInputs, isBatch }: Calls, index: number): Promise<unknown> => {
  const inputs = await readInputs()
  if (!isBatch || inputs === undefined) return inputs
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)) throw refuse('request.malformed')
  return Object.hasOwn(inputs, index) ? (inputs as Record<number, unknown>)[index] : undefined
}

/** 207 when the calls of a batch came to different ends. */
const statusOf = (outcomes: readonly Outcome[]): number => {
  const statuses = new Set(outcomes.map((outcome) => ('failure' in outcome ? outcome.failure.status : 200)))
  const [status = 200] = statuses
  return statuses.size > 1 ? 207 : status
}

const headersOf = (outcomes: readonly Outcome[]): HeaderMap => {
  const [only] = outcomes
  if (!only || outcomes.length > 1) {
    const allow = outcomes.find((outcome) => 'failure' in outcome && outcome.allow)
    return allow && 'failure' in allow && allow.allow ? { ...json, allow: allow.allow } : json
  }
  if ('result' in only) return only.result.isReplay ? { ...json, 'idempotent-replay': 'true' } : json
  return { ...json, ...failureHeaders(only.failure), ...(only.allow ? { allow: only.allow } : {}) }
}

const bodyOf = (outcomes: readonly Outcome[], isBatch: boolean): string => {
  const texts = outcomes.map((outcome) =>
    'failure' in outcome
      ? JSON.stringify({ error: outcome.shape })
      : JSON.stringify({ result: { data: outcome.result.data } }),
  )
  return isBatch ? `[${texts.join(',')}]` : (texts[0] ?? '')
}
