import type { AnyTRPCRouter } from '@trpc/server'
import type { Encoder } from '@trpc/server/adapters/ws'
import { parseTRPCMessage, type TRPCClientOutgoingMessage } from '@trpc/server/rpc'
import type { Entry } from '../../contract/define.ts'
import type { RequestHead } from '../context.ts'
import type { Budgets } from '../platform/budgets.ts'
import { type Failure, refuse } from '../rpc/failure.ts'
import { SharedItem } from '../rpc/router.ts'
import { toFailure } from '../rpc/toFailure.ts'
import { errorShape } from '../rpc/trpcError.ts'
import { type ConnectionParams, SocketCall } from './socketHead.ts'
import { batchSizeMax } from './trpcFetch.ts'

/** Calls and subscriptions of one socket that are not over. */
const callsAtOnceMax = 200

export interface SocketCallsParts {
  readonly router: AnyTRPCRouter
  readonly kinds: ReadonlyMap<string, Entry['kind']>
  readonly budgets: Budgets
  /** Of the handshake. */
  readonly head: RequestHead
  /** The first message brings connection params. */
  readonly expectsParams: boolean
  readonly send: (text: string) => void
  readonly giveUp: (code: number, reason: string) => void
}

type Started = Extract<TRPCClientOutgoingMessage, { params: unknown }>
type Id = string | number

/** A reply or a notice on its way out, as tRPC makes them. */
interface Outgoing {
  readonly id?: Id | null
  readonly error?: unknown
  readonly jsonrpc?: string | undefined
  readonly result?: { readonly type?: string; readonly id?: string; readonly data?: unknown }
}

/**
 * The messages of one socket. tRPC hands every text through here, both ways: what comes in is counted, and refused
 * here when HTTP would refuse it before a procedure.
 */
export class SocketCalls implements Encoder {
  /** How many reached a procedure. */
  count = 0
  #lastNumber = 0
  readonly #parts: SocketCallsParts
  /** What is not over, by the id its client gave it; null for what is being refused or stopped. */
  readonly #open = new Map<Id, Entry['kind'] | null>()
  #awaitsParams: boolean
  #isDraining = false

  constructor(parts: SocketCallsParts) {
    this.#parts = parts
    this.#awaitsParams = parts.expectsParams
  }

  /** Queries and mutations whose answer is not sent. */
  get unanswered(): number {
    return [...this.#open.values()].filter((kind) => kind !== 'subscription').length
  }

  /** The head of the next call. */
  head(params: ConnectionParams, signal: AbortSignal): RequestHead {
    this.count++
    return new SocketCall({ id: this.#nextId(), head: this.#parts.head, params, signal })
  }

  /** What of a message tRPC is to take up; throws for what is none. */
  decode(data: string | ArrayBuffer | Uint8Array): unknown {
    try {
      if (typeof data !== 'string') throw refuse('request.malformed')
      const sent: unknown = JSON.parse(data)
      if (!this.#awaitsParams) return this.#sift(sent)
      this.#awaitsParams = false
      return sent
    } catch (error) {
      this.#charge()
      throw error
    }
  }

  /** Subscriptions that end from here on do so because the server stops: the client is to take them elsewhere. */
  drain(): void {
    this.#isDraining = true
  }

  /** '' for what is not sent. */
  encode(message: unknown): string {
    const { id, error, result } = message as Outgoing
    if (id == null) return JSON.stringify(message)
    const kind = this.#open.get(id)
    const isAnswer = result?.type === 'data' && kind !== 'subscription'
    if (isAnswer || error !== undefined || result?.type === 'stopped') this.#open.delete(id)
    // wsLink would take the end of a subscription for its own, and not begin it again.
    if (this.#isDraining && kind === 'subscription' && result?.type === 'stopped') return ''
    return itemText(message as Outgoing) ?? JSON.stringify(message)
  }

  #sift(sent: unknown): unknown {
    const raw: readonly unknown[] = Array.isArray(sent) ? sent : [sent]
    if (raw.length > batchSizeMax) {
      this.#charge()
      // tRPC says so to each of them.
      return sent
    }
    const { transformer } = this.#parts.router._def._config
    const messages = raw.map((one) => parseTRPCMessage(one, transformer))
    if (messages.some(({ id }) => id === null)) throw refuse('request.malformed')
    return raw.filter((_, index) => this.#admits(messages[index]))
  }

  /** False for what is answered here. */
  #admits(message: TRPCClientOutgoingMessage | undefined): boolean {
    if (!message || message.id === null) return true
    if (message.method === 'subscription.stop') return this.#stops(message.id)
    const { id, method, params } = message
    if (this.#open.has(id)) return this.#answer(message, refuse('request.malformed'))
    if (this.#open.size >= callsAtOnceMax) return this.#answer(message, refuse('overloaded'))
    const isServed = this.#parts.kinds.get(params.path) === method
    this.#open.set(id, isServed ? method : null)
    if (!isServed) this.#turnAway(message, id).catch(() => {})
    return isServed
  }

  /** The client is owed the word that it has ended, whatever becomes of the server. */
  #stops(id: Id): true {
    if (this.#open.has(id)) this.#open.set(id, null)
    return true
  }

  /** A path that leads nowhere spends what it does over HTTP. */
  async #turnAway(message: Started, id: Id): Promise<void> {
    const { budgets, head } = this.#parts
    const failure = await budgets.spendAddress(head.clientKey).then(
      () => refuse('route.not_found'),
      (error: unknown) => toFailure(error, head.log),
    )
    this.#open.delete(id)
    this.#answer(message, failure)
  }

  #answer({ id, jsonrpc, params }: Started, failure: Failure): false {
    this.#parts.send(JSON.stringify({ id, jsonrpc, error: errorShape(failure, params.path, this.#nextId()) }))
    return false
  }

  /** For messages that cannot be answered one by one: who sends more of them than the budget allows is cut off. */
  #charge(): void {
    const { budgets, head, giveUp } = this.#parts
    budgets.spendAddress(head.clientKey).catch((error: unknown) => giveUp(1008, toFailure(error, head.log).code))
  }

  /** The handshake's id may be as long as a request id gets. */
  #nextId(): string {
    return `${this.#parts.head.id.slice(0, 110)}.${++this.#lastNumber}`
  }
}

/** An event as a frame, around the text that all who get it share. */
const itemText = ({ id, jsonrpc, result }: Outgoing): string | undefined => {
  const { data } = (result?.data ?? {}) as { data?: unknown }
  if (!(data instanceof SharedItem)) return undefined
  const eventId = JSON.stringify(result?.id)
  const version = jsonrpc === undefined ? '' : '"jsonrpc":"2.0",'
  const item = `{"id":${eventId},"data":${data.json}}`
  return `{"id":${JSON.stringify(id)},${version}"result":{"type":"data","id":${eventId},"data":${item}}}`
}
