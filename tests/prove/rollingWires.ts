import { createParser } from 'eventsource-parser'
import { WebSocket } from 'ws'

interface Following {
  readonly token: string
  readonly lastEventId: string | undefined
  readonly signal: AbortSignal
  readonly onOpened: () => void
  readonly onItem: (item: { id: string; topic: string; target: string }) => void
}

/** Follows one stream to its end: undefined when the server ended it in order, else what went wrong. */
export type Follow = (url: string, following: Following) => Promise<string | undefined>

const topics = 'apikey.created'

export const followBySse: Follow = async (url, { token, lastEventId, signal, onOpened, onItem }) => {
  try {
    const resume = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    const headers = { authorization: `Bearer ${token}`, ...resume }
    const { status, body } = await fetch(`${url}/api/v1/stream?topics=${topics}`, { headers, signal })
    if (status !== 200 || !body) return `answered ${status}`
    onOpened()
    const parser = createParser({ onEvent: ({ data }) => onItem(JSON.parse(data)) })
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) parser.feed(chunk)
    return undefined
  } catch (error) {
    const { message, cause } = error as Error
    return `broke: ${message}${cause instanceof Error ? `, ${cause.message}` : ''}`
  }
}

/** RFC 6455 7.4.1: closes that a server makes on purpose; 1006 is a connection that broke. */
const inOrder = new Set([1000, 1001, 1012])

export const followBySocket: Follow = (url, { token, lastEventId, signal, onOpened, onItem }) =>
  new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` }
    const socket = new WebSocket(`${url.replace('http', 'ws')}/trpc`, { headers })
    let broke: string | undefined
    const leave = () => socket.terminate()
    signal.addEventListener('abort', leave)
    socket.on('error', ({ message }) => {
      broke = `socket: ${message}`
    })
    socket.on('close', (code) => {
      signal.removeEventListener('abort', leave)
      resolve(broke ?? (inOrder.has(code) ? undefined : `socket closed with ${code}`))
    })
    socket.on('open', () => {
      const params = { path: 'events.stream', input: { topics: [topics] }, lastEventId }
      socket.send(JSON.stringify({ id: 1, method: 'subscription', params }))
    })
    socket.on('message', (bytes) => {
      const text = String(bytes)
      if (text === 'PING') return socket.send('PONG')
      const { result, error } = JSON.parse(text)
      if (error) {
        broke = `socket refused ${error.data?.failure?.code}`
        socket.terminate()
      } else if (result?.type === 'started') onOpened()
      else if (result?.type === 'data') onItem(result.data.data)
    })
  })
