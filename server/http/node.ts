import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { bodyPatienceMs } from './body.ts'
import type { CreateHttpServer, HttpServer, HttpServerOptions } from './exchange.ts'
import { NodeExchange } from './nodeExchange.ts'
import { refusalOf } from './nodeRefusal.ts'
import { type Acceptor, createAcceptor, messagesFor, NodeHandshake } from './nodeSocket.ts'
import type { ExchangeHost } from './openExchange.ts'

/** The server on node:http, for platforms without a binary of the addon. Limits and timeouts are the addon's. */
export const createNodeServer: CreateHttpServer = (options) => new NodeServer(options)

const limits = {
  maxHeaderSize: 16_384,
  keepAliveTimeout: 10_000,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 2_000,
  // A missing Host is found in the head like every other defect, and answered in our envelope.
  requireHostHeader: false,
  insecureHTTPParser: false,
}

class NodeServer implements HttpServer, ExchangeHost {
  readonly adapter = 'node'
  inFlight = 0
  isDraining = false
  readonly bodyLimitBytes: number
  readonly bodyIdleMs: number
  readonly #handle: HttpServerOptions['handle']
  /** The open exchanges of each connection, several when the client pipelines. */
  readonly #exchanges = new WeakMap<Socket, Set<NodeExchange>>()
  readonly #server: Server
  /** Takes handshakes; there from `listen` on, when there is a path for them. */
  #acceptor: Acceptor | null = null
  readonly #socketPath: string | undefined

  constructor(options: HttpServerOptions) {
    // A body that nobody reads has no timer of its own, so a whole request has this one.
    const requestTimeout = limits.headersTimeout + Math.ceil(bodyPatienceMs(options.bodyLimitBytes))
    const { socketPath } = options
    const messages = socketPath === undefined ? {} : { IncomingMessage: messagesFor(socketPath) }
    this.#server = createServer({ ...limits, ...messages, requestTimeout }, (req, res) => this.#serve(req, res))
    if (socketPath !== undefined) this.#server.on('upgrade', (...offer) => this.#offer(...offer))
    this.#socketPath = socketPath
    this.bodyLimitBytes = options.bodyLimitBytes
    this.bodyIdleMs = options.bodyIdleMs
    this.#handle = options.handle
    this.#server.on('connection', (socket) => this.#follow(socket))
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#refuse(error, socket))
  }

  /** Node tells a reply that its connection is gone only when its turn had come, so the connections are asked. */
  #follow(socket: Socket): void {
    const exchanges = new Set<NodeExchange>()
    this.#exchanges.set(socket, exchanges)
    socket.once('close', () => {
      for (const exchange of exchanges) exchange.connectionClosed()
    })
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    const onSocket = this.#exchanges.get(req.socket) ?? new Set()
    for (const { defect } of onSocket) {
      if (defect) {
        // What follows a head with a defect is a request to us alone, perhaps.
        req.socket.destroy()
        return
      }
    }
    this.#begin(new NodeExchange(req, res, this), onSocket)
  }

  /** Behind an open request it is no handshake of an honest client, and its socket could overtake the reply. */
  #offer(req: IncomingMessage, connection: Duplex, early: Buffer): void {
    const onSocket = this.#exchanges.get(req.socket) ?? new Set()
    if (!this.#acceptor || onSocket.size > 0) {
      connection.destroy()
      return
    }
    connection.on('error', () => {})
    const parts = { host: this, acceptor: this.#acceptor, connection: req.socket, early }
    this.#begin(new NodeHandshake(req, parts), onSocket)
  }

  #begin(exchange: NodeExchange, onSocket: Set<NodeExchange>): void {
    this.inFlight++
    onSocket.add(exchange)
    exchange.onDone(() => onSocket.delete(exchange))
    try {
      this.#handle(exchange)
    } catch {
      exchange.send({ status: 500, headers: { 'content-type': 'text/plain' }, body: 'Internal Server Error' })
    }
  }

  /** The parser gave up: within a body that is the exchange's matter, anywhere else there is no exchange to answer. */
  #refuse(error: NodeJS.ErrnoException, socket: Socket): void {
    const { code } = error
    const exchanges = [...(this.#exchanges.get(socket) ?? [])]
    const isGone = !socket.writable || code === 'ECONNRESET' || code === 'HPE_INVALID_EOF_STATE'
    const reason = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'timeout' : 'malformed'
    // A head with a defect may stop the parser too: its refusal is on the way.
    if (!isGone && exchanges.some((exchange) => exchange.defect !== null || exchange.bodyBroke(reason))) return
    // A refusal now would be taken for the answer to a request that still waits for its own.
    if (isGone || exchanges.length > 0) {
      socket.destroy()
      return
    }
    socket.end(refusalOf(code))
    setTimeout(() => socket.destroy(), 500).unref()
  }

  exchangeDone(): void {
    this.inFlight--
  }

  /**
   * Several workers on one port are node:cluster's business: it shares one handle among them when `exclusive` is false.
   * Node 20 has no `reusePort`, so independent processes cannot share a port here.
   */
  async listen(address: { host: string; port: number; exclusive: boolean }): Promise<number> {
    const server = this.#server
    if (this.#socketPath !== undefined) this.#acceptor = await createAcceptor(this.bodyLimitBytes)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(address, () => {
        server.off('error', reject)
        const bound = server.address()
        resolve(bound !== null && typeof bound === 'object' ? bound.port : address.port)
      })
    })
  }

  drain(): void {
    this.isDraining = true
  }

  stopListening(): void {
    this.#server.close()
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
    for (const socket of this.#acceptor?.clients ?? []) socket.terminate()
  }
}
