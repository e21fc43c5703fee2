import { connect, type Socket } from 'node:net'
import type { Server } from './servers.ts'

export interface Listener {
  readonly socket: Socket
  /** Events received. */
  count: number
}

/** A stream over a raw socket: a client that costs little, since it shares the machine. Resolves once it is granted. */
export const openStream = async (
  server: Server,
  authorization: string,
  onEvent: (text: string) => void,
): Promise<Listener> => {
  const { hostname, port, host } = new URL(server.url)
  const socket = connect({ host: hostname, port: Number(port) })
  const listener: Listener = { socket, count: 0 }
  socket.write(`GET /api/v1/stream HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\n\r\n`)
  let rest = ''
  let isGranted = false
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      if (!isGranted && !chunk.startsWith('HTTP/1.1 200')) return reject(new Error(`no stream: ${chunk.slice(0, 40)}`))
      isGranted = true
      resolve()
      const frames = (rest + chunk).split('\ndata: ')
      rest = frames.pop() ?? ''
      // A frame counts once its line is whole; the rest is the beginning of the next.
      if (rest.includes('}\n')) {
        frames.push(rest)
        rest = ''
      }
      for (const frame of frames) {
        if (!frame.includes('"occurred_at"')) continue
        listener.count += 1
        onEvent(frame)
      }
    })
  })
  return listener
}
