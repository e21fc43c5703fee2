import type { RequestHead } from '../context.ts'
import type { Answer, Exchange, HeaderMap } from './exchange.ts'

/** A request that found its route. */
export interface Visit {
  readonly exchange: Exchange
  readonly head: RequestHead
  /** What stands for the `{name}` segments of the path, in order, as sent. */
  readonly params: readonly string[]
  /** The headers that every reply carries, for a route that begins a stream itself. */
  readonly replyHeaders: () => HeaderMap
}

export interface Route {
  readonly method: string
  /** `/api/v1/menus/{id}` */
  readonly path: string
  /** Resolves to the reply, or to null when it was begun as a stream. A thrown failure becomes the reply. */
  readonly serve: (visit: Visit) => Promise<Answer | null> | Answer | null
  /**
   * The reply to a call that there is no room for; undefined leaves the refusal to the procedures, as for batches, of
   * which a part may be let in. A route without it is always served.
   */
  readonly whenBusy?: (exchange: Exchange, params: readonly string[], requestId: string) => Answer | undefined
  /** Probes and pages for operators: outside all budgets, logged at debug, and their head has no address unless they are. */
  readonly isSystem?: true
  /** Answers for as long as the connection lasts, so neither a deadline nor a count of running calls is for it. */
  readonly isStream?: true
}
