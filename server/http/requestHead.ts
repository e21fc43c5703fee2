import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { RequestHead } from '../context.ts'
import type { Allowance } from '../platform/budgets.ts'
import type { Span } from '../platform/tracing/span.ts'
import { formatTraceparent, parseTraceparent, type SpanContext } from '../platform/tracing/traceContext.ts'
import { clientKey } from './clientAddress.ts'
import type { Exchange } from './exchange.ts'

const requestIds = /^[A-Za-z0-9._-]{1,128}$/
/** The id that a request goes by. One that could break a log or a header is replaced. */
export const requestIdOf = ({ headers }: Pick<Exchange, 'headers'>): string => {
  const sent = headers['x-request-id']
  return sent !== undefined && requestIds.test(sent) ? sent : randomUUID()
}

/** Reads what all calls of a request share. */
export const openRequest = (exchange: Exchange, address: string, log: Logger): RequestHead =>
  new OpenRequest(exchange, address, log)

/** A class, so that a request costs one object; what few requests need is made when it is asked for. */
class OpenRequest implements RequestHead {
  readonly id: string
  span: Span | undefined
  readonly handshake = undefined
  readonly address: string
  isBatch = false
  userId: string | undefined
  budget: Allowance | undefined
  readonly #exchange: Exchange
  readonly #sentTrace: SpanContext | undefined
  readonly #log: Logger
  #own: Logger | undefined

  constructor(exchange: Exchange, address: string, log: Logger) {
    const trace = exchange.headers.traceparent
    this.id = requestIdOf(exchange)
    this.#sentTrace = trace === undefined ? undefined : parseTraceparent(trace)
    this.address = address
    this.#exchange = exchange
    this.#log = log
  }

  get tenantHeader(): string | undefined {
    return this.#exchange.headers['x-tenant-id']
  }

  get userAgent(): string {
    return this.#exchange.headers['user-agent'] ?? ''
  }

  get authorization(): string | undefined {
    return this.#exchange.headers.authorization
  }

  get idempotencyKey(): string | undefined {
    return this.#exchange.headers['idempotency-key']
  }

  get traceId(): string | undefined {
    return (this.span ?? this.#sentTrace)?.traceId
  }

  get traceparent(): string | undefined {
    const context = this.span ?? this.#sentTrace
    return context && formatTraceparent(context)
  }

  get ticket(): string | undefined {
    const { query } = this.#exchange
    return query.includes('ticket=') ? (new URLSearchParams(query).get('ticket') ?? undefined) : undefined
  }

  get clientKey(): string {
    return clientKey(this.address)
  }

  get signal(): AbortSignal {
    return this.#exchange.signal
  }

  /** For what goes wrong; the line of each request names its id itself, which costs less than a logger. */
  get log(): Logger {
    this.#own ??= this.#log.child(namesOf(this))
    return this.#own
  }
}

/** What the log lines of a request say besides. */
const namesOf = ({ id, traceId }: Pick<RequestHead, 'id' | 'traceId'>) =>
  traceId === undefined ? { request_id: id } : { request_id: id, trace_id: traceId }
