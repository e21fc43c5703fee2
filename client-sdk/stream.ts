import { type Clock, systemClock } from './clock.ts'
import { type Connection, jsonOf, openConnection } from './connection.ts'
import { ClientFailure } from './failure.ts'
import { inSession } from './openSession.ts'
import type { ClientOptions, StreamOptions } from './options.ts'
import { headersOf, type Target } from './requestHeaders.ts'
import { delayAfter, isPassing } from './retry.ts'
import type { Session } from './session.ts'
import type { SseEvent } from './sse.ts'

export type OpenStream = (target: Target, input: unknown, options?: StreamOptions) => AsyncIterable<unknown>

/** The server sends a byte each 15 seconds. */
const silenceMaxMs = 45_000
/** Slower than calls: when a server stops, all of its streams come back at once. */
const delays = { firstMs: 1_000, longestMs: 16_000 }
const longestWaitMs = 3_600_000

/**
 * Subscriptions as async iterables, over server-sent events by `fetch`. A stream goes on behind its last event after
 * whatever passes, and ends with a ClientFailure when its access or its session is over.
 */
export const createStreams = (options: ClientOptions, session: Session | undefined): OpenStream => {
  return (target, input, streamOptions = {}) => ({
    [Symbol.asyncIterator]: () => {
      const closing = new AbortController()
      const connect = connectorOf({ options, session, target, input, streamOptions, signal: closing.signal })
      const { clock = systemClock } = options
      return closable(items({ connect, clock, closing, options: streamOptions }), closing)
    },
  })
}

type Connect = (place: string | undefined) => Promise<Connection>

interface ConnectorParts {
  readonly options: ClientOptions
  readonly session: Session | undefined
  readonly target: Target
  readonly input: unknown
  readonly streamOptions: StreamOptions
  readonly signal: AbortSignal
}

/** Opens the connections of one stream, all of them as the same person. */
const connectorOf = (parts: ConnectorParts): Connect => {
  const { options, session, target, input, streamOptions, signal } = parts
  const { url, timeoutMs = 30_000, fetch: customFetch } = options
  const { silenceMs = silenceMaxMs } = streamOptions
  const bounds = { timeoutMs, signal }
  let owner: string | null | undefined

  return async (place) => {
    const headers = headersOf(target.rules, options, streamOptions)
    const query = encodeURIComponent(JSON.stringify({ ...(input as object | undefined), ...lastEventId(place) }))
    const request = {
      fetch: customFetch ?? fetch,
      url: `${url.replace(/\/+$/, '')}/trpc/${target.path}?input=${query}`,
      bounds,
      silenceMs,
    }
    const connection = await inSession(session, bounds, async (tokens) => {
      const reader = tokens ? (tokens.user_id ?? '') : null
      if (owner !== undefined && reader !== owner) return null
      const authorization = tokens ? { authorization: `Bearer ${tokens.access_token}` } : {}
      const opened = await openConnection({ ...request, headers: { ...headers, ...authorization } })
      owner = reader
      return opened
    })
    if (!connection)
      throw new ClientFailure('auth.invalid', { status: 401, message: 'The session of the stream is over.' })
    return connection
  }
}

const lastEventId = (place: string | undefined) => (place ? { lastEventId: place } : {})

interface Course {
  readonly connect: Connect
  readonly clock: Clock
  readonly closing: AbortController
  readonly options: StreamOptions
}

/** All items of a stream, over as many connections as it takes. */
async function* items({ connect, clock, closing, options }: Course): AsyncGenerator<unknown, undefined> {
  const { signal, retries = Number.POSITIVE_INFINITY, onOpen, onLost } = options
  const close = () => closing.abort()
  let place = options.lastEventId
  signal?.addEventListener('abort', close)
  if (signal?.aborted) close()
  try {
    for (let count = 0; !closing.signal.aborted; count += 1) {
      let failure: ClientFailure | undefined
      try {
        for await (const event of eventsOf(await connect(place))) {
          if (closing.signal.aborted) return
          place = event.id || place
          if (event.type === 'connected') onOpen?.()
          if (event.type === 'message') yield jsonOf(event)
          count = 0
        }
      } catch (error) {
        if (closing.signal.aborted) return
        if (!(error instanceof ClientFailure) || !isPassing(error) || count >= retries) throw error
        failure = error
        onLost?.(failure)
      }
      const delayMs = delayAfter(failure, { ...delays, count, chance: clock.random() })
      await clock.sleep(Math.min(longestWaitMs, delayMs), closing.signal)
    }
  } finally {
    signal?.removeEventListener('abort', close)
  }
}

async function* eventsOf(connection: Connection): AsyncGenerator<SseEvent, undefined> {
  try {
    for (let events = await connection.read(); events; events = await connection.read()) yield* events
  } finally {
    connection.close()
  }
}

/** A generator that waits for the network would not hear of its end before something came. */
const closable = (generator: AsyncGenerator<unknown, undefined>, closing: AbortController): AsyncIterator<unknown> => ({
  next: () => generator.next(),
  return() {
    closing.abort()
    return generator.return(undefined)
  },
})
