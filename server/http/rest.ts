import { z } from 'zod'
import type { Entry } from '../../contract/define.ts'
import type { EventStream } from '../platform/events/stream.ts'
import { overloaded, refuse } from '../rpc/failure.ts'
import type { Procedure } from '../rpc/procedure.ts'
import { withIdLater } from './busy.ts'
import { cacheable } from './caching.ts'
import { refusal, success } from './envelope.ts'
import type { Exchange } from './exchange.ts'
import { readJson } from './json.ts'
import type { Route } from './route.ts'
import { eventStreamHeaders, restFraming, type ServeStream } from './stream.ts'

/** One route for each entry, from its `http` rule. */
export const restRoutes = (procedures: readonly Procedure[], serveStream: ServeStream): Route[] =>
  procedures.map((procedure) =>
    procedure.rules.kind === 'subscription' ? streamRoute(procedure, serveStream) : restRoute(procedure),
  )

const busy = withIdLater((id) => refusal(overloaded, id))
const whenBusy: NonNullable<Route['whenBusy']> = (_exchange, _params, id) => busy(id)

/** A subscription as server-sent events. A browser that comes back names its last event in a header. */
const streamRoute = (procedure: Procedure, serveStream: ServeStream): Route => {
  const [method, path] = procedure.rules.http
  const readInput = inputReader(procedure.rules)
  return {
    method,
    path,
    isStream: true,
    whenBusy,
    async serve(visit) {
      const { exchange, head, params } = visit
      const { data } = await procedure.call(head, async () => {
        const fields = (await readInput(exchange, params)) as Record<string, unknown>
        const lastEventId = exchange.headers['last-event-id'] || undefined
        return lastEventId === undefined ? fields : { ...fields, last_event_id: lastEventId }
      })
      const stream = data as EventStream
      if (exchange.method === 'HEAD') {
        stream.close()
        return { status: 200, headers: eventStreamHeaders, body: null }
      }
      serveStream(visit, stream, restFraming)
      return null
    },
  }
}

const restRoute = (procedure: Procedure): Route => {
  const [method, path, successStatus] = procedure.rules.http
  const readInput = inputReader(procedure.rules)
  const cache = procedure.rules.kind === 'query' ? procedure.rules.cache : undefined
  const status = procedure.rules.output instanceof z.ZodVoid ? 204 : (successStatus ?? 200)
  return {
    method,
    path,
    whenBusy,
    async serve({ exchange, head, params }) {
      const result = await procedure.call(head, () => readInput(exchange, params))
      const headers = result.isReplay ? { 'idempotent-replay': 'true' } : undefined
      if (status === 204) return { status, headers: headers ?? {}, body: null }
      const answer = success(status, result.data, head.id, headers)
      return cache ? cacheable(answer, exchange, { data: result.data, maxAgeSeconds: cache.maxAgeSeconds }) : answer
    },
  }
}

/** Where the input of an entry stands in a request: path, query for GET and DELETE, body for the others. */
const inputReader = ({ http: [method, path], input }: Entry) => {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
  const readQuery = input ? queryReader(input) : () => ({})
  return async (exchange: Exchange, params: readonly string[]): Promise<unknown> => {
    const fields = method === 'GET' || method === 'DELETE' ? readQuery(exchange.query) : await readJson(exchange)
    if (names.length === 0) return fields
    if (fields !== undefined && (typeof fields !== 'object' || fields === null || Array.isArray(fields))) return fields
    return { ...fields, ...decodeParams(names, params) }
  }
}

const decodeParams = (names: readonly string[], params: readonly string[]): Record<string, string> => {
  const fields: Record<string, string> = {}
  names.forEach((name, index) => {
    fields[name] = decodeParam(params[index] ?? '')
  })
  return fields
}

const decodeParam = (raw: string): string => {
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch {
    throw refuse('request.malformed')
  }
}

type Decode = (text: string) => unknown

const decoders: Record<string, Decode> = {
  integer: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text),
  number: (text) => (/^-?\d{1,15}(?:\.\d+)?$/.test(text) ? Number(text) : text),
  boolean: (text) => (text === 'true' ? true : text === 'false' ? false : text),
}

interface Shape {
  readonly type?: string
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
}

const typeOf = (shape: Shape): string =>
  shape.type ?? shape.anyOf?.map(typeOf).find((type) => type !== 'null') ?? 'string'

/**
 * Decodes a query string by the types of the input's fields, known once at boot. A text that does not fit its type
 * stays text, so that the schema says what is wrong with it. The schema itself is never changed.
 */
const queryReader = (input: z.ZodObject): ((query: string) => Record<string, unknown>) => {
  const { properties = {} } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })
  const fields = new Map(
    Object.entries(properties as Record<string, Shape>).map(([name, shape]) => {
      const isList = typeOf(shape) === 'array'
      const decode = decoders[typeOf(isList ? (shape.items ?? {}) : shape)] ?? ((text: string) => text)
      return [name, { isList, decode }] as const
    }),
  )
  return (query) => {
    const values: Record<string, unknown> = {}
    if (query === '') return values
    for (const [name, text] of new URLSearchParams(query)) {
      const field = fields.get(name)
      if (!field) continue
      const earlier = values[name]
      values[name] = field.isList && Array.isArray(earlier) ? [...earlier, field.decode(text)] : asField(field, text)
    }
    return values
  }
}

const asField = ({ isList, decode }: { isList: boolean; decode: Decode }, text: string) =>
  isList ? [decode(text)] : decode(text)
