import { connect, isIP, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { type Reply, readReply } from './reply.ts'

/** A connection that is used again and again, for one request at a time. */
export interface Connection {
  /** Rejects when there is no answer in time, or the connection breaks; the next call opens a new one. */
  readonly send: (request: string) => Promise<Reply>
  readonly close: () => void
}

interface Waiting {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/**
 * Speaks just enough of HTTP/1.1 to ask and to read the answer. Node's own client takes four times as long a request,
 * and whoever measures on the server's own machine takes that time from the server.
 */
export const openConnection = (origin: URL, timeoutMs: number): Connection => {
  let socket: Socket | undefined
  let waiting: Waiting | undefined
  let received: Buffer | undefined

  const settle = (outcome: Reply | Error) => {
    const asked = waiting
    waiting = undefined
    received = undefined
    if (outcome instanceof Error) {
      drop()
      asked?.reject(outcome)
    } else {
      if (!outcome.isKept) drop()
      asked?.resolve(outcome)
    }
  }
  const drop = () => {
    socket?.destroy()
    socket = undefined
  }
  const read = (bytes: Buffer, isOver?: boolean) => {
    try {
      received = received ? Buffer.concat([received, bytes]) : bytes
      const reply = readReply(received, isOver)
      if (reply) settle(reply)
    } catch (error) {
      settle(error as Error)
    }
  }
  const open = (): Socket => {
    const opened = dial(origin).setNoDelay(true).setTimeout(timeoutMs)
    const ifCurrent = (act: () => void) => () => {
      if (opened === socket) act()
    }
    opened.on('data', (bytes) => ifCurrent(() => read(bytes))())
    opened.on('error', (error) => ifCurrent(() => settle(error))())
    // At rest it may be as silent as it likes.
    opened.on('timeout', () => ifCurrent(() => waiting && settle(withCode('ETIMEDOUT')))())
    opened.on(
      'end',
      ifCurrent(() => {
        if (received) read(Buffer.alloc(0), true)
        if (waiting) settle(withCode('ECONNRESET'))
        drop()
      }),
    )
    return opened
  }
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket ??= open()
        socket.write(request)
      }),
    close() {
      if (waiting) settle(withCode('ECANCELED'))
      drop()
    },
  }
}

const dial = ({ protocol, hostname, port }: URL): Socket => {
  const host = hostname.replace(/^\[|\]$/g, '')
  return protocol === 'https:'
    ? connectSecurely({ host, port: Number(port || 443), ...(isIP(host) ? {} : { servername: host }) })
    : connect({ host, port: Number(port || 80) })
}

const withCode = (code: string): Error => Object.assign(new Error(code), { code })
