import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { WebSocket, WebSocketServer } from 'ws'
import type { HeaderMap, SocketListener, TextSocket } from './exchange.ts'
import { checkReplyHeaders, isHandshake } from './framing.ts'
import { NodeExchange } from './nodeExchange.ts'
import type { ExchangeHost } from './openExchange.ts'

/** How long a closed socket waits for the other side to say so too. */
const closeTimeoutMs = 10_000
/** How long a refused client may leave its side of the connection open. */
const lingerMs = 500

export type Acceptor = WebSocketServer

/** Loads the package that speaks WebSocket; the addon has its own. */
export async function createAcceptor(maxPayload: number): Promise<Acceptor> {
  const { WebSocketServer } = await import('ws')
  const options = { noServer: true, maxPayload, perMessageDeflate: false, closeTimeout: closeTimeoutMs }
  return new WebSocketServer(options)
}

/**
 * Node hands every request with an Upgrade header to whoever listens for one, and then is done with it. So that those
 * for other protocols (`h2c` is common) and other paths stay plain requests, the message itself says which it means.
 */
export function messagesFor(socketPath: string): typeof IncomingMessage {
  return class extends IncomingMessage {
    declare private isOffered: boolean

    get upgrade(): boolean {
      return (
        this.isOffered &&
        this.method === 'GET' &&
        pathOf(this) === socketPath &&
        isHandshake((name) => textOf(this, name))
      )
    }

    set upgrade(isOffered: boolean) {
      this.isOffered = isOffered
    }
  }
}

const pathOf = ({ url = '' }: IncomingMessage) => url.split('?', 1)[0]

const textOf = ({ headers }: IncomingMessage, name: string) => String(headers[name] ?? '')

interface HandshakeParts {
  readonly host: ExchangeHost
  readonly acceptor: Acceptor
  readonly connection: Socket
  /** What came behind the handshake in the same segment. */
  readonly early: Buffer
}

/** A handshake on node:http, which has let go of the connection: whatever the answer is, no request follows it there. */
export class NodeHandshake extends NodeExchange {
  override readonly isHandshake = true
  readonly #req: IncomingMessage
  readonly #parts: HandshakeParts

  constructor(req: IncomingMessage, parts: HandshakeParts) {
    super(req, refusalOn(req, parts.connection), parts.host)
    this.#req = req
    this.#parts = parts
  }

  override upgrade(headers: HeaderMap, open: (socket: TextSocket) => SocketListener): void {
    checkReplyHeaders(headers)
    if (!this.takeOver()) return
    const { acceptor, connection, early } = this.#parts
    // The package would choose the first of them, or refuse in words of its own.
    delete this.#req.headers['sec-websocket-protocol']
    const addHeaders = (lines: string[]) => {
      for (const name in headers) lines.push(`${name}: ${headers[name]}`)
    }
    acceptor.on('headers', addHeaders)
    acceptor.handleUpgrade(this.#req, connection, early, (ws) => new NodeSocket(ws, connection, open))
    acceptor.off('headers', addHeaders)
  }
}

/** The reply to a handshake that is refused. Its connection closes with it. */
function refusalOn(req: IncomingMessage, connection: Socket): ServerResponse {
  const res = new ServerResponse(req)
  res.shouldKeepAlive = false
  res.assignSocket(connection)
  res.once('finish', () => {
    connection.end()
    setTimeout(() => connection.destroy(), lingerMs).unref()
  })
  return res
}

class NodeSocket implements TextSocket {
  readonly #ws: WebSocket

  constructor(ws: WebSocket, connection: Socket, open: (socket: TextSocket) => SocketListener) {
    this.#ws = ws
    const listener = open(this)
    connection.on('drain', () => listener.drain())
    ws.on('message', (data, isBinary) => listener.message(data as Buffer, isBinary))
    ws.once('close', (code) => listener.close(code))
    // Whatever breaks the protocol closes the socket; without a listener it would end the process.
    ws.on('error', () => {})
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount
  }

  send(text: string): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.send(text)
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason)
  }

  terminate(): void {
    this.#ws.terminate()
  }
}
