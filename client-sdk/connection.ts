import type { ErrorShape } from './errorShape.ts'
import { ClientFailure } from './failure.ts'
import { createSseParser, type SseEvent } from './sse.ts'
import { ofEnvelope, ofShape, toFailure, unreadable } from './toFailure.ts'
import { type Bounds, withinTime } from './withinTime.ts'

export interface ConnectionParts {
  readonly fetch: typeof fetch
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Of the time until the first event, which the server sends at once. */
  readonly bounds: Bounds
  /** Milliseconds without a byte after which the connection counts as lost. */
  readonly silenceMs: number
}

/** One connection of a stream. */
export interface Connection {
  /** The next events, at least one; undefined when the server has ended the stream. Rejects with a ClientFailure. */
  readonly read: () => Promise<readonly SseEvent[] | undefined>
  readonly close: () => void
}

type Read = (bounds: Bounds) => Promise<readonly SseEvent[] | undefined>

/** Connects to a stream of tRPC's. Rejects with a ClientFailure, also when the refusal comes as an event. */
export const openConnection = async (parts: ConnectionParts): Promise<Connection> => {
  // Browsers refuse a fetch that is called as a method of something.
  const { bounds, silenceMs, url, headers, fetch } = parts
  // Not the caller's signal: withinTime watches that, and is done with it once there is an answer.
  const controller = new AbortController()
  const close = () => controller.abort()
  const closing = (error: unknown): never => {
    close()
    throw toFailure(error)
  }
  // A browser would let a second stream of the same address wait for the first, to answer it from its cache.
  const request = { headers, cache: 'no-store', signal: controller.signal } as RequestInit
  const open = async () => {
    const response = await withinTime(bounds, () => fetch(url, request))
    const read = await readerOf(response, bounds)
    return { read, first: await read(bounds) }
  }
  const opened = await open().catch(closing)
  let first: readonly SseEvent[] | undefined = opened.first
  return {
    close,
    async read() {
      if (!first) return opened.read({ signal: bounds.signal, timeoutMs: silenceMs }).catch(closing)
      const events = first
      first = undefined
      return events
    },
  }
}

const readerOf = async (response: Response, bounds: Bounds): Promise<Read> => {
  const type = response.headers.get('content-type') ?? ''
  if (type.includes('json'))
    throw ofEnvelope(await withinTime(bounds, () => response.json().catch(() => null)), response)
  if (!response.ok || !response.body || !type.startsWith('text/event-stream')) throw unreadable(response)
  const reader = response.body.getReader()
  const parser = createSseParser()
  return async (readBounds) => {
    for (;;) {
      // Nothing is read ahead: while the caller is busy the bytes wait in the connection, and then on the server.
      const { value, done } = await withinTime(readBounds, () => reader.read())
      if (done) return undefined
      const events = parsed(parser.read, value)
      const refusal = events.find(({ type }) => type === 'serialized-error')
      if (refusal) throw ofShape(jsonOf(refusal) as ErrorShape, response)
      if (events.length > 0) return events
    }
  }
}

const parsed = <T>(read: (bytes: Uint8Array) => T, bytes: Uint8Array): T => {
  try {
    return read(bytes)
  } catch (cause) {
    throw new ClientFailure('client.unreadable', { cause })
  }
}

/** The data of an event. Throws a ClientFailure for what is no JSON. */
export const jsonOf = ({ data }: SseEvent): unknown => {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new ClientFailure('client.unreadable', { cause })
  }
}
