import { createParser } from 'eventsource-parser'
import { contract } from '../../contract/index.ts'
import { conformance } from './record.ts'

export interface Frame {
  readonly event: string | undefined
  readonly id: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: a test reads events of every topic
  readonly data: any
}

export interface OpenStream {
  readonly status: number
  readonly headers: Headers
  /** The next event; undefined when the server has ended the stream. */
  readonly next: () => Promise<Frame | undefined>
  /** The events up to the first that `isLast` says yes to. */
  readonly until: (isLast: (frame: Frame) => boolean) => Promise<Frame[]>
  /** Everything received, byte for byte as text. */
  readonly text: () => string
  readonly close: () => void
}

/** Follows server-sent events as a client of any language would: fetch, and a parser that is not ours. */
export const openSse = async (url: string, headers: Readonly<Record<string, string>> = {}): Promise<OpenStream> => {
  const controller = new AbortController()
  const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: controller.signal })
  const frames: Frame[] = []
  let received = ''
  const parser = createParser({
    onEvent({ event, id, data }) {
      const body: unknown = JSON.parse(data)
      conformance(contract.events.stream.http, { status: 200, body })
      frames.push({ event, id, data: body })
    },
  })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const next = async (): Promise<Frame | undefined> => {
    while (frames.length === 0) {
      const chunk = await reader?.read()
      if (!chunk || chunk.done) return undefined
      received += chunk.value
      parser.feed(chunk.value)
    }
    return frames.shift()
  }
  return {
    status: response.status,
    headers: response.headers,
    next,
    async until(isLast) {
      const seen: Frame[] = []
      for (let frame = await next(); frame; frame = await next()) {
        seen.push(frame)
        if (isLast(frame)) return seen
      }
      throw new Error(`the stream ended after ${seen.length} events`)
    },
    text: () => received,
    close: () => controller.abort(),
  }
}
