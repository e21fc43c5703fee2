import type { Clock } from './clock.ts'
import type { ClientFailure } from './failure.ts'
import type { SessionStore } from './stores.ts'

export interface ClientOptions {
  /** Where the server is, without `/trpc`: `https://api.example.com`; `''` for the page's own origin. */
  readonly url: string
  /** Where the session is kept. Default: in memory. */
  readonly session?: SessionStore
  /** Calls with this key instead of a session. Then `session` is not used, and signing in keeps nothing. */
  readonly apiKey?: string
  /** Sent as X-Tenant-ID; a function is asked before each call. Default: no tenant, the global scope. */
  readonly tenantId?: string | (() => string | undefined)
  /** Further headers for every request. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /** Sends queries of the same moment in one request. Default: true. Mutations always go alone. */
  readonly batch?: boolean
  /** Milliseconds for each attempt, and for waiting until the session is renewed. Default: 30,000. Infinity: no end. */
  readonly timeoutMs?: number
  /** Further attempts of a call that failed for a reason that passes. Default: 2. */
  readonly retries?: number
  /** Called when the server has ended the session; its tokens are gone from the store. Default: nothing. */
  readonly onSignedOut?: (failure: ClientFailure) => void
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch
  /** Default: the system's. */
  readonly clock?: Clock
}

export interface CallOptions {
  /** Gives the call up: it rejects with `client.aborted`. What was sent may still take effect. Default: none. */
  readonly signal?: AbortSignal
  /** In place of the client's `timeoutMs`. */
  readonly timeoutMs?: number
  /** In place of the client's `retries`. */
  readonly retries?: number
  /**
   * 1 to 255 printable ASCII characters: calls with the same key and input take effect once, also across restarts.
   * Default: a new UUID for each call. Queries, and mutations that take no key, ignore it.
   */
  readonly idempotencyKey?: string
  /** In place of the client's `tenantId`. */
  readonly tenantId?: string
}

export interface StreamOptions {
  /** Ends the stream: the loop over it is done, without a failure. Default: none. */
  readonly signal?: AbortSignal
  /** In place of the client's `tenantId`, which is asked again for each connection. */
  readonly tenantId?: string
  /** The `id` of the last event that was handled: the stream begins behind it. Default: it begins now. */
  readonly lastEventId?: string
  /**
   * Called when a connection is open, the first and each after it. What is read from here on is no older than the
   * events. Default: nothing.
   */
  readonly onOpen?: () => void
  /** Called when a connection failed and will be tried again. Default: nothing. */
  readonly onLost?: (failure: ClientFailure) => void
  /** Failures in a row after which the stream fails too. Default: Infinity. */
  readonly retries?: number
  /** Milliseconds without a byte after which a connection counts as lost; the server sends one each 15,000. Default: 45,000. */
  readonly silenceMs?: number
}
