/**
 * The part of the uWebSockets.js interface this server uses, in our own words: the typings of the several packages
 * that carry the addon differ from each other and leave out what we need (listen options, `_cfg`).
 */
export interface Addon {
  App(): AddonApp
  us_listen_socket_close(socket: ListenSocket): void
  us_socket_local_port(socket: ListenSocket): number
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT?: number
  _cfg?(key: string): void
}

declare const listenSocket: unique symbol
export interface ListenSocket {
  readonly [listenSocket]: true
}

export interface AddonApp {
  ws(pattern: string, behavior: AddonSocketBehavior): AddonApp
  any(pattern: string, handler: (res: AddonResponse, req: AddonRequest) => void): AddonApp
  listen(host: string, port: number, options: number, bound: (socket: ListenSocket | false) => void): AddonApp
  close?(): AddonApp
}

/** Lives on the C++ stack: nothing of it may be touched once the route handler has returned. */
export interface AddonRequest {
  getCaseSensitiveMethod(): string
  getHeader(name: string): string
  /** Leaves the request to the next route that fits. */
  setYield(isLeft: boolean): void
  getUrl(): string
  /** Undefined or '' without a query, depending on the build. */
  getQuery(): string | undefined
  forEach(visit: (name: string, value: string) => void): void
}

/** Every method throws once the response has ended or was aborted. */
export interface AddonResponse {
  writeStatus(status: string): AddonResponse
  writeHeader(name: string, value: string): AddonResponse
  write(chunk: string | Uint8Array): boolean
  end(body?: string | Uint8Array, closeConnection?: boolean): AddonResponse
  endWithoutBody(reportedLength?: number, closeConnection?: boolean): AddonResponse
  close(): AddonResponse
  cork(write: () => void): AddonResponse
  onWritable(resume: (offset: number) => boolean): AddonResponse
  onAborted(listener: () => void): AddonResponse
  onData(listener: (chunk: ArrayBuffer, isLast: boolean) => void): AddonResponse
  getRemoteAddressAsText(): ArrayBuffer
  upgrade(userData: object, key: string, protocol: string, extensions: string, context: UpgradeContext): void
}

declare const upgradeContext: unique symbol
export interface UpgradeContext {
  readonly [upgradeContext]: true
}

/** Every method throws once `close` was called, by whoever. */
export interface AddonSocket<T> {
  getUserData(): T
  send(text: string): number
  getBufferedAmount(): number
  /** Both call the `close` of the behavior before they return. */
  end(code: number, reason: string): void
  close(): void
}

/** The addon ends the process over an exception in any of these. */
export interface AddonSocketBehavior {
  readonly maxPayloadLength: number
  /** 0 drops nothing, however much waits. */
  readonly maxBackpressure: number
  readonly idleTimeout: number
  readonly sendPingsAutomatically: boolean
  readonly compression: number
  upgrade(res: AddonResponse, req: AddonRequest, context: UpgradeContext): void
  open(ws: AddonSocket<unknown>): void
  message(ws: AddonSocket<unknown>, data: ArrayBuffer, isBinary: boolean): void
  drain(ws: AddonSocket<unknown>): void
  close(ws: AddonSocket<unknown>, code: number): void
}
