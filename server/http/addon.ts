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
  any(pattern: string, handler: (res: AddonResponse, req: AddonRequest) => void): AddonApp
  listen(host: string, port: number, options: number, bound: (socket: ListenSocket | false) => void): AddonApp
  close?(): AddonApp
}

/** Lives on the C++ stack: nothing of it may be touched once the route handler has returned. */
export interface AddonRequest {
  getCaseSensitiveMethod(): string
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
}
