import type { Logger } from 'pino'
import type { RequestHead } from '../context.ts'
import type { Allowance } from '../platform/budgets.ts'
import type { Span } from '../platform/tracing/span.ts'

/** What a client says of itself in its first message, where a browser can send no headers. */
export interface ConnectionParams {
  /** An access token or an API key, in place of `Authorization: Bearer`. */
  readonly token?: string
  readonly ticket?: string
  /** In place of `X-Tenant-ID`. */
  readonly tenant_id?: string
}

export interface SocketCallParts {
  readonly id: string
  /** Of the handshake. */
  readonly head: RequestHead
  readonly params: ConnectionParams
  readonly signal: AbortSignal
}

/**
 * The head of one call on a socket: what the handshake brought, what the first message said, and an id of its own.
 * There is no Idempotency-Key.
 */
export class SocketCall implements RequestHead {
  readonly id: string
  readonly signal: AbortSignal
  readonly idempotencyKey = undefined
  isBatch = false
  budget: Allowance | undefined
  span: Span | undefined
  readonly #head: RequestHead
  readonly #params: ConnectionParams
  #log: Logger | undefined

  constructor({ id, head, params, signal }: SocketCallParts) {
    this.id = id
    this.signal = signal
    this.#head = head
    this.#params = params
  }

  get handshake(): Span | undefined {
    return this.#head.span
  }

  get traceId(): string | undefined {
    return (this.span ?? this.#head).traceId
  }

  get traceparent(): string | undefined {
    return (this.span ?? this.#head).traceparent
  }

  get address(): string {
    return this.#head.address
  }

  get clientKey(): string {
    return this.#head.clientKey
  }

  get userAgent(): string {
    return this.#head.userAgent
  }

  get tenantHeader(): string | undefined {
    return this.#params.tenant_id ?? this.#head.tenantHeader
  }

  get authorization(): string | undefined {
    const { token } = this.#params
    return token === undefined ? this.#head.authorization : `Bearer ${token}`
  }

  get ticket(): string | undefined {
    return this.#params.ticket ?? this.#head.ticket
  }

  /** The last one known is kept with the handshake, for the line that the end of the socket writes. */
  get userId(): string | undefined {
    return this.#head.userId
  }

  set userId(userId: string | undefined) {
    this.#head.userId = userId
  }

  get log(): Logger {
    this.#log ??= this.#head.log.child({ request_id: this.id })
    return this.#log
  }
}
