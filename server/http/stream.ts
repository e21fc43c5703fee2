import type { EventStream, StreamItem } from '../platform/events/stream.ts'
import type { BodyWriter, HeaderMap } from './exchange.ts'
import { joinHeaders } from './headers.ts'
import type { Visit } from './route.ts'

/** How the items of a stream are written as server-sent events. */
export interface Framing {
  /** The first bytes, with the id to go on from when nothing else comes. */
  readonly opening: (id: string) => string
  readonly item: (item: StreamItem) => string
  readonly heartbeat: (id: string) => string
}

/** An event is framed once, whoever reads it. */
const framedOnce = (frame: Framing['item']): Framing['item'] => {
  const frames = new WeakMap<StreamItem, string>()
  return (item) => {
    const framed = frames.get(item) ?? frame(item)
    frames.set(item, framed)
    return framed
  }
}

/** Proxies and browsers give up a connection that is silent for long. */
const heartbeatMs = 15_000
const reconnectMs = 1_000

/** HTML standard, 9.2: an id in a block without data moves the reader's place and is no event. */
export const restFraming: Framing = {
  opening: (id) => `retry: ${reconnectMs}\nid: ${id}\n\n`,
  item: framedOnce(({ id, topic, json }) => `id: ${id}\nevent: ${topic}\ndata: ${json}\n\n`),
  heartbeat: (id) => `id: ${id}\n\n`,
}

/** tRPC's client gives a connection up that is silent for longer. */
const connectedData = JSON.stringify({ reconnectAfterInactivityMs: 3 * heartbeatMs })

/** The words of tRPC's own stream, so that its client reads ours: see sse.ts of @trpc/server 11. */
export const trpcFraming: Framing = {
  opening: (id) => `retry: ${reconnectMs}\nevent: connected\ndata: ${connectedData}\nid: ${id}\n\n`,
  item: framedOnce(({ id, json }) => `data: ${json}\nid: ${id}\n\n`),
  heartbeat: (id) => `event: ping\ndata: \nid: ${id}\n\n`,
}

export const eventStreamHeaders: HeaderMap = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would hold the events back.
  'x-accel-buffering': 'no',
}

export type ServeStream = (visit: Visit, stream: EventStream, framing: Framing) => void

interface Open {
  readonly beat: () => void
  readonly endsAt: number
  readonly stream: EventStream
}

/**
 * Writes streams as server-sent events, each at its reader's pace: what a reader does not take stays in the log. A
 * stream ends after `lifetimeMs`, and its reader comes back, perhaps to another instance.
 */
export const createServeStream = (lifetimeMs: number): ServeStream => {
  const open = new Set<Open>()
  let timer: NodeJS.Timeout | undefined

  const tick = () => {
    const now = performance.now()
    for (const one of open) {
      if (now >= one.endsAt) one.stream.close()
      else one.beat()
    }
  }
  const enter = (one: Open) => {
    open.add(one)
    timer ??= setInterval(tick, Math.min(heartbeatMs, lifetimeMs)).unref()
  }
  const leave = (one: Open) => {
    open.delete(one)
    if (open.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return ({ exchange, head, replyHeaders }, stream, framing) => {
    const writer = exchange.stream(200, joinHeaders(replyHeaders(), eventStreamHeaders))
    let isTaken = writer.write(framing.opening(stream.id))
    const write = (text: string) => {
      isTaken = writer.write(text)
      return isTaken
    }
    const one: Open = {
      stream,
      endsAt: performance.now() + lifetimeMs,
      beat: () => void (isTaken && write(framing.heartbeat(stream.id))),
    }
    enter(one)
    exchange.onDone(() => {
      leave(one)
      stream.close()
    })
    const drained = async () => {
      await writer.drained()
      isTaken = true
    }
    pump({ stream, writer, framing, write, drained }).catch((err: unknown) => {
      head.log.error({ err }, 'a stream broke; its reader comes back')
      stream.close()
      writer.end()
    })
  }
}

/** Items that come together leave together, up to so much text: a write costs more than what it carries. */
const togetherMax = 16_384

interface Pump {
  readonly stream: EventStream
  readonly writer: BodyWriter
  readonly framing: Framing
  readonly write: (text: string) => boolean
  readonly drained: () => Promise<void>
}

const pump = async ({ stream, writer, framing, write, drained }: Pump): Promise<void> => {
  for (let items = await stream.read(); items; items = await stream.read()) {
    let text = ''
    for (const item of items) {
      text += framing.item(item)
      if (text.length < togetherMax) continue
      if (!write(text)) await drained()
      text = ''
    }
    if (text !== '' && !write(text)) await drained()
  }
  writer.end()
}
