import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { CreateHttpServer, HttpServer, HttpServerOptions } from './exchange.ts'
import { NodeExchange } from './nodeExchange.ts'
import type { ExchangeHost } from './openExchange.ts'

/** The server on node:http, for platforms without a binary of the addon. Limits and timeouts are the addon's. */
export const createNodeServer: CreateHttpServer = (options) => new NodeServer(options)

const limits = {
  maxHeaderSize: 16_384,
  keepAliveTimeout: 10_000,
  headersTimeout: 10_000,
  /** A whole request at the addon's floor of 16 KB/s and the default cap of 1 MiB. */
  requestTimeout: 70_000,
  connectionsCheckingInterval: 5_000,
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
  /** The newest exchange of each connection. */
  readonly #exchanges = new WeakMap<Socket, NodeExchange>()
  readonly #server = createServer(limits, (req, res) => this.#serve(req, res))

  constructor(options: HttpServerOptions) {
    this.bodyLimitBytes = options.bodyLimitBytes
    this.bodyIdleMs = options.bodyIdleMs
    this.#handle = options.handle
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#refuse(error, socket))
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    this.inFlight++
    const exchange = new NodeExchange(req, res, this)
    this.#exchanges.set(req.socket, exchange)
    try {
      this.#handle(exchange)
    } catch {
      exchange.send({ status: 500, headers: { 'content-type': 'text/plain' }, body: 'Internal Server Error' })
    }
  }

  /** The parser gave up: within a body that is the exchange's matter, anywhere else there is no exchange to answer. */
  #refuse(error: NodeJS.ErrnoException, socket: Socket): void {
    if (this.#exchanges.get(socket)?.bodyBroke()) return
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    socket.end(refusalFor(error.code))
    setTimeout(() => socket.destroy(), 500).unref()
  }

  exchangeDone(): void {
    this.inFlight--
  }

  /**
   * Several workers on one port are node:cluster's business: it shares one handle among them when `exclusive` is false.
   * Node 20 has no `reusePort`, so independent processes cannot share a port here.
   */
  listen(address: { host: string; port: number; exclusive: boolean }): Promise<number> {
    const server = this.#server
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
  }
}

const refusals: Record<string, readonly [line: string, code: string, message: string]> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'request.headers_too_large',
    'The request headers are too large.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'request.malformed', 'The request did not arrive in time.'],
}

/** A whole reply in our envelope, for requests that never became an exchange. */
function refusalFor(parserCode: string | undefined): string {
  const known = refusals[parserCode ?? '']
  const [line, code, message] = known ?? ['400 Bad Request', 'request.malformed', 'The request could not be read.']
  const body = JSON.stringify({ success: false, error: { code, message }, request_id: randomUUID() })
  const length = Buffer.byteLength(body)
  return `HTTP/1.1 ${line}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`
}
