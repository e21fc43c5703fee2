import { type BodyLimits, IncomingBody } from './body.ts'
import type { Answer, BodyWriter, Exchange, HeaderMap, SocketListener, TextSocket } from './exchange.ts'
import { announcedLength, type RequestHead } from './framing.ts'

/** What an exchange needs of its server. */
export interface ExchangeHost extends BodyLimits {
  readonly isDraining: boolean
  exchangeDone(): void
}

type Outcome = 'sent' | 'aborted'

/** How long a refused client may go on sending before its connection closes: a reset on unread bytes would destroy the reply. */
const lingerMs = 500

/** What the exchanges of both adapters have in common. A class, so that a request costs one object and no closures. */
export abstract class OpenExchange implements Exchange {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: HeaderMap
  abstract readonly peerAddress: string
  readonly defect: Exchange['defect']
  isAborted = false
  readonly isHandshake: boolean = false
  protected outcome: Outcome | null = null
  protected readonly host: ExchangeHost
  /** Null when the head announces no body. */
  protected readonly body: IncomingBody | null
  protected readonly isChunked: boolean
  #listeners: ((outcome: Outcome) => void)[] | null = null
  #controller: AbortController | null = null
  #whenQuiet: (() => void) | null = null

  constructor(head: RequestHead, host: ExchangeHost) {
    this.method = head.method
    this.path = head.path
    this.query = head.query
    this.headers = head.headers
    this.defect = head.defect
    this.host = host
    const announced = head.defect ? 0 : announcedLength(head.headers)
    this.isChunked = announced === null
    this.body = announced === 0 ? null : new IncomingBody(host, announced)
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.isAborted) this.#controller.abort()
    return this.#controller.signal
  }

  readBody(): Promise<Buffer> {
    return this.body ? this.body.read() : Promise.resolve(Buffer.alloc(0))
  }

  abstract send(answer: Answer): void

  abstract stream(status: number, headers: HeaderMap): BodyWriter

  upgrade(_headers: HeaderMap, _open: (socket: TextSocket) => SocketListener): void {
    throw new TypeError('only a handshake can be upgraded')
  }

  onDone(listener: (outcome: Outcome) => void): void {
    if (this.outcome) {
      listener(this.outcome)
      return
    }
    this.#listeners ??= []
    this.#listeners.push(listener)
  }

  /**
   * Runs `reply`, which is to close the connection, in a later tick: at once when nothing more of the body is expected,
   * else when the client has finished sending or has had its time.
   */
  protected afterBody(reply: () => void): void {
    const { body } = this
    if (!body || body.isComplete || body.failure === 'timeout' || body.failure === 'malformed') {
      setImmediate(reply)
      return
    }
    const timer = setTimeout(reply, lingerMs)
    this.#whenQuiet = () => {
      clearTimeout(timer)
      setImmediate(reply)
    }
  }

  protected bodyArrived(): void {
    this.body?.finish()
    this.#whenQuiet?.()
  }

  protected abort(): void {
    if (this.outcome) return
    this.isAborted = true
    this.body?.fail('aborted')
    this.#whenQuiet?.()
    this.#controller?.abort()
    this.complete('aborted')
  }

  protected complete(outcome: Outcome): void {
    if (this.outcome) return
    this.outcome = outcome
    this.host.exchangeDone()
    if (this.#listeners) for (const listener of this.#listeners) listener(outcome)
  }
}

/** For replies that take no body: HEAD, 304, a client that is gone. */
export const silentWriter: BodyWriter = { write: () => true, drained: () => Promise.resolve(), end: () => {} }

export function isBodyless(status: number): boolean {
  return status === 204 || status === 304
}
