import { createServer } from 'node:net'
import type { Addon, AddonApp, AddonRequest, AddonResponse, ListenSocket } from './addon.ts'
import type { CreateHttpServer, HttpServer, HttpServerOptions } from './exchange.ts'
import type { ExchangeHost } from './openExchange.ts'
import { UwsExchange } from './uwsExchange.ts'
import { socketBehavior } from './uwsSocket.ts'

/**
 * Loads the addon. Rejects when it has no binary for this platform and Node.
 * The package's own typings lack half of what Addon names, hence the cast.
 */
export async function loadUws(): Promise<CreateHttpServer> {
  // Read once, when the binary loads; the addon's own default of 4 KiB refuses ordinary cookies.
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= '16384'
  const addon = (await import('uWebSockets.js')) as unknown as Addon
  hideProductHeader(addon)
  return (options) => new UwsServer(addon, options)
}

/** Undocumented, and named differently over the years: a reply that says what it runs on is no reason to fail. */
function hideProductHeader(addon: Addon): void {
  for (const key of ['silent', '999999990007']) {
    try {
      addon._cfg?.(key)
    } catch {}
  }
}

class UwsServer implements HttpServer, ExchangeHost {
  readonly adapter = 'uws'
  inFlight = 0
  isDraining = false
  readonly bodyLimitBytes: number
  readonly bodyIdleMs: number
  readonly #addon: Addon
  readonly #app: AddonApp
  readonly #handle: HttpServerOptions['handle']
  #socket: ListenSocket | null = null

  constructor(addon: Addon, options: HttpServerOptions) {
    this.bodyLimitBytes = options.bodyLimitBytes
    this.bodyIdleMs = options.bodyIdleMs
    this.#handle = options.handle
    this.#addon = addon
    this.#app = addon.App()
    if (options.socketPath !== undefined) {
      const serve = (exchange: UwsExchange) => this.#serve(exchange)
      this.#app.ws(options.socketPath, socketBehavior({ host: this, serve }))
    }
    this.#app.any('/*', (res: AddonResponse, req: AddonRequest) => this.#serve(new UwsExchange(res, req, this)))
  }

  #serve(exchange: UwsExchange): void {
    this.inFlight++
    try {
      this.#handle(exchange)
    } catch {
      // An exception that crosses into the addon ends the process.
      exchange.send({ status: 500, headers: { 'content-type': 'text/plain' }, body: 'Internal Server Error' })
    }
    exchange.leaveHandler()
  }

  exchangeDone(): void {
    this.inFlight--
  }

  async listen({ host, port, exclusive }: { host: string; port: number; exclusive: boolean }): Promise<number> {
    // Shared ports are the addon's default: a second copy of the server would start in silence.
    const options = exclusive ? (this.#addon.LIBUS_LISTEN_EXCLUSIVE_PORT ?? 1) : 0
    const socket = await new Promise<ListenSocket | false>((bound) => this.#app.listen(host, port, options, bound))
    if (!socket) throw await whyNotBound(host, port)
    this.#socket = socket
    return this.#addon.us_socket_local_port(socket)
  }

  drain(): void {
    this.isDraining = true
  }

  stopListening(): void {
    if (this.#socket) this.#addon.us_listen_socket_close(this.#socket)
    this.#socket = null
  }

  close(): void {
    this.stopListening()
    this.#app.close?.()
  }
}

/** The addon says no more than that it failed. Binding the same address with node tells why. */
function whyNotBound(host: string, port: number): Promise<Error> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', resolve)
    probe.listen({ host, port, exclusive: true }, () => {
      const inUse = Object.assign(new Error(`listen EADDRINUSE: address already in use ${host}:${port}`), {
        code: 'EADDRINUSE',
      })
      probe.close(() => resolve(inUse))
    })
  })
}
