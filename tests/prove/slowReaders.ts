import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

interface Options {
  readonly url: string
  readonly token: string
  readonly lastId: string
}

const head = ({ url, token, lastId }: Options): string =>
  [
    'GET /api/v1/stream HTTP/1.1',
    `Host: ${new URL(url).host}`,
    `Authorization: Bearer ${token}`,
    `Last-Event-ID: ${lastId}`,
    '',
    '',
  ].join('\r\n')

const open = (options: Options): Socket => {
  const { hostname, port } = new URL(options.url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => {})
  socket.pause()
  socket.write(head(options))
  return socket
}

/** Asks for a stream and never reads a byte of it. */
export const openStalled = (options: Options): Socket => open(options)

export interface Trickler {
  /** Resolves with the events it was given when it has so many, or when its connection is over. */
  readonly done: Promise<number>
  readonly close: () => void
}

/** Takes a few KiB at a time, with pauses: slowly, but always on. */
export const openTrickler = (
  options: Options,
  { events, bytesAtOnce, pauseMs }: { events: number; bytesAtOnce: number; pauseMs: number },
): Trickler => {
  const socket = open(options)
  const run = async (): Promise<number> => {
    let seen = 0
    let rest = ''
    while (seen < events) {
      const part: Buffer | null = socket.read(bytesAtOnce) ?? socket.read()
      if (part) {
        const text = rest + part.toString('latin1')
        const cut = Math.max(0, text.length - 8)
        seen += text.slice(0, cut + 7).split('\nevent: ').length - 1
        rest = text.slice(cut)
      } else if (socket.destroyed || socket.readableEnded) break
      await sleep(pauseMs)
    }
    return seen
  }
  return { done: run(), close: () => void socket.destroy() }
}
