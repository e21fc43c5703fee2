import { setTimeout as sleep } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import { WebSocket } from 'ws'

export const wires = ['SSE', 'tRPC SSE', 'WebSocket'] as const
export type Wire = (typeof wires)[number]

/** A client that leaves and comes back, again and again, and writes down every event it is given. */
export interface Reader {
  readonly wire: Wire
  /** Positions in the order they came; a gap is written as its negative end. */
  readonly positions: readonly number[]
  /** Times it came back behind its last event. */
  readonly returns: () => number
  /** Leaves no more; resolves when it has the event at this position, or after `withinMs`. */
  readonly untilAt: (position: number, withinMs: number) => Promise<void>
}

interface Options {
  readonly wire: Wire
  readonly token: string
  readonly urls: () => readonly string[]
  readonly random: () => number
  /** How long it stays at most before it leaves by itself. */
  readonly longestStayMs: number
}

interface Take {
  readonly token: string
  readonly lastId: string | undefined
  readonly signal: AbortSignal
  readonly onItem: (item: { id: string; topic: string }) => void
}

const pauseMs = 50

export const startReader = ({ wire, token, urls, random, longestStayMs }: Options): Reader => {
  const positions: number[] = []
  let lastId: string | undefined
  let returns = 0
  let isSteady = false
  let isOver = false
  let stay: AbortController | undefined

  const follow = async (): Promise<void> => {
    while (!isOver) {
      const known = urls()
      const url = known[Math.floor(random() * known.length)]
      if (url !== undefined) {
        stay = new AbortController()
        const timer = isSteady ? undefined : setTimeout(() => stay?.abort(), random() * longestStayMs)
        const onItem = ({ id, topic }: { id: string; topic: string }) => {
          lastId = id
          const position = Number(id.split('.')[1])
          positions.push(topic === 'gap' ? -position : position)
        }
        await takes[wire](url, { token, lastId, signal: stay.signal, onItem }).catch(() => {})
        clearTimeout(timer)
        if (lastId !== undefined) returns += 1
      }
      await sleep(pauseMs * random())
    }
  }
  void follow()

  return {
    wire,
    positions,
    returns: () => returns,
    async untilAt(position, withinMs) {
      isSteady = true
      const deadline = performance.now() + withinMs
      while ((positions.at(-1) ?? 0) < position && performance.now() < deadline) await sleep(pauseMs)
      isOver = true
      stay?.abort()
    },
  }
}

/** Each rejects or resolves when the connection is over. */
const takes: Record<Wire, (url: string, take: Take) => Promise<void>> = {
  async SSE(url, { token, lastId, signal, onItem }) {
    const headers = { authorization: `Bearer ${token}`, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) }
    await readSse(await fetch(`${url}/api/v1/stream`, { headers, signal }), (data) => onItem(JSON.parse(data)))
  },
  async 'tRPC SSE'(url, { token, lastId, signal, onItem }) {
    const input = encodeURIComponent(JSON.stringify({ lastEventId: lastId }))
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
    await readSse(await fetch(`${url}/trpc/events.stream?input=${input}`, { headers, signal }), (data, event) => {
      if (event === undefined) onItem(JSON.parse(data))
    })
  },
  WebSocket: (url, { token, lastId, signal, onItem }) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/trpc`, {
        headers: { authorization: `Bearer ${token}` },
      })
      signal.addEventListener('abort', () => socket.terminate())
      socket.on('error', reject)
      socket.on('close', () => resolve())
      socket.on('open', () => {
        const params = { path: 'events.stream', input: {}, lastEventId: lastId }
        socket.send(JSON.stringify({ id: 1, method: 'subscription', params }))
      })
      socket.on('message', (bytes) => {
        const text = String(bytes)
        if (text === 'PING') return socket.send('PONG')
        const { result, error } = JSON.parse(text)
        if (error || result?.type === 'stopped') socket.terminate()
        else if (result?.type === 'data') onItem(result.data.data)
      })
    }),
}

const readSse = async ({ status, body }: Response, onData: (data: string, event: string | undefined) => void) => {
  if (status !== 200 || !body) throw new Error(`answered ${status}`)
  const parser = createParser({ onEvent: ({ data, event }) => onData(data, event) })
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) parser.feed(chunk)
}
