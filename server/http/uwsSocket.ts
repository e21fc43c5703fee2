import type { AddonRequest, AddonResponse, AddonSocket, AddonSocketBehavior, UpgradeContext } from './addon.ts'
import type { HeaderMap, SocketListener, TextSocket } from './exchange.ts'
import { checkReplyHeaders, isHandshake } from './framing.ts'
import type { ExchangeHost } from './openExchange.ts'
import { UwsExchange } from './uwsExchange.ts'

/** The addon pings a socket that is silent so long, and ends it when nothing comes back. */
const idleSeconds = 60

/** What the addon keeps with a socket. */
interface Kept {
  readonly open: (socket: TextSocket) => SocketListener
  socket?: UwsSocket
}

interface Sockets {
  readonly host: ExchangeHost
  readonly serve: (exchange: UwsHandshake) => void
}

/** How the addon treats sockets: handshakes become exchanges, and only what the server upgrades becomes a socket. */
export function socketBehavior({ host, serve }: Sockets): AddonSocketBehavior {
  const socketOf = (ws: AddonSocket<unknown>) => (ws.getUserData() as Kept).socket
  return {
    maxPayloadLength: host.bodyLimitBytes,
    maxBackpressure: 0,
    idleTimeout: idleSeconds,
    sendPingsAutomatically: true,
    compression: 0,
    upgrade(res, req, context) {
      if (isHandshake((name) => req.getHeader(name))) serve(new UwsHandshake(res, req, { host, context }))
      else req.setYield(true)
    },
    open(ws) {
      const kept = ws.getUserData() as Kept
      kept.socket = new UwsSocket(ws, kept.open)
    },
    message: (ws, data, isBinary) => socketOf(ws)?.received(data, isBinary),
    drain: (ws) => socketOf(ws)?.listener.drain(),
    close: (ws, code) => socketOf(ws)?.ended(code),
  }
}

interface HandshakeParts {
  readonly host: ExchangeHost
  readonly context: UpgradeContext
}

export class UwsHandshake extends UwsExchange {
  override readonly isHandshake = true
  readonly #context: UpgradeContext

  constructor(res: AddonResponse, req: AddonRequest, { host, context }: HandshakeParts) {
    super(res, req, host)
    this.#context = context
  }

  override upgrade(headers: HeaderMap, open: (socket: TextSocket) => SocketListener): void {
    checkReplyHeaders(headers)
    this.takeOver((res) => {
      res.writeStatus('101 Switching Protocols')
      for (const name in headers) res.writeHeader(name, headers[name] ?? '')
      const kept: Kept = { open }
      // Neither a subprotocol nor an extension is chosen: tRPC has none, and compression costs memory by the socket.
      res.upgrade(kept, this.headers['sec-websocket-key'] ?? '', '', '', this.#context)
    })
  }
}

class UwsSocket implements TextSocket {
  readonly listener: SocketListener
  #ws: AddonSocket<unknown> | null

  constructor(ws: AddonSocket<unknown>, open: Kept['open']) {
    this.#ws = ws
    this.listener = open(this)
  }

  get bufferedBytes(): number {
    return this.#ws?.getBufferedAmount() ?? 0
  }

  send(text: string): void {
    this.#ws?.send(text)
  }

  close(code: number, reason: string): void {
    this.#ws?.end(code, reason)
  }

  terminate(): void {
    this.#ws?.close()
  }

  /** Copied: the addon takes its memory back after this call. */
  received(data: ArrayBuffer, isBinary: boolean): void {
    this.listener.message(Buffer.from(Buffer.from(data)), isBinary)
  }

  ended(code: number): void {
    this.#ws = null
    this.listener.close(code)
  }
}
