/** Header names in lower case. A header that was sent several times is joined with ', '. */
export type HeaderMap = Readonly<Record<string, string>>

/** One complete reply. `headers` never holds content-length, transfer-encoding, connection or date: the adapter writes those. */
export interface Answer {
  readonly status: number
  readonly headers: HeaderMap
  /** null sends no body and no content-type, as for 204 and 304. */
  readonly body: string | Uint8Array | null
}

/** The body of a reply that is written piece by piece: server-sent events, streamed batches. */
export interface BodyWriter {
  /** Queues a chunk. False means the socket is full: wait for `drained()` before writing more. Ignored after an abort. */
  write(chunk: string | Uint8Array): boolean
  /** Resolves when everything queued has left for the socket, or when the client is gone. */
  drained(): Promise<void>
  end(): void
}

/**
 * One HTTP request and the one reply to it, the same over every adapter.
 * Everything of the request head is read before the first await, so it stays valid for as long as the exchange does.
 */
export interface Exchange {
  /** Upper case. */
  readonly method: string
  /** As sent, percent-encoding intact, without the query. */
  readonly path: string
  /** The text after '?', '' when there is none. */
  readonly query: string
  readonly headers: HeaderMap
  /**
   * Address of the TCP peer in canonical text; an IPv4-mapped IPv6 address is given as IPv4. Once the
   * reply has begun or the client is gone it may be '', unless it was asked for before.
   */
  readonly peerAddress: string
  /** What makes this request unsafe to serve, found in its head. The reply to it closes the connection. */
  readonly defect: 'request.malformed' | 'request.headers_too_large' | null
  readonly isAborted: boolean
  /** Aborts when the client goes away before the reply is complete. Made on first use. */
  readonly signal: AbortSignal
  /**
   * Reads the whole body, at most once. Rejects with a BodyError: 'too_large' (limit passed, or announced by
   * content-length), 'timeout' (the body stalls), 'aborted' (the client left), 'malformed' (framing).
   */
  readBody(): Promise<Buffer>
  /** Sends the reply. Only the first call counts; after an abort it does nothing. HEAD sends no body but its length. */
  send(answer: Answer): void
  /** Begins a streamed reply in place of `send`. */
  stream(status: number, headers: HeaderMap): BodyWriter
  /** A WebSocket handshake (RFC 6455 4.1) at the `socketPath` of the server. It may be answered like any request. */
  readonly isHandshake: boolean
  /**
   * Replies 101 to a handshake, in place of `send`; the exchange is then complete. `open` is given the socket and
   * returns what hears of it, unless the client has left before.
   */
  upgrade(headers: HeaderMap, open: (socket: TextSocket) => SocketListener): void
  /** Called once, when the reply is complete or the client is gone. */
  onDone(listener: (outcome: 'sent' | 'aborted') => void): void
}

/** An open WebSocket, the same over every adapter. All of it may be called after the end, and does nothing then. */
export interface TextSocket {
  /** What the client does not take waits in memory: whoever sends looks at `bufferedBytes`. */
  send(text: string): void
  /** Bytes that have not left for the system. */
  readonly bufferedBytes: number
  /** Closes in order, behind what waits. Codes: RFC 6455 7.4. */
  close(code: number, reason: string): void
  /** Cuts the connection; what waits is lost. */
  terminate(): void
}

export interface SocketListener {
  message(data: Buffer, isBinary: boolean): void
  /** Something of what waited has left. */
  drain(): void
  /** Called once, whoever closed. 1006 stands for a connection that broke. */
  close(code: number): void
}

export class BodyError extends Error {
  readonly reason: 'too_large' | 'timeout' | 'aborted' | 'malformed'
  constructor(reason: BodyError['reason']) {
    super(`request body: ${reason}`)
    this.reason = reason
  }
}

export interface HttpServerOptions {
  readonly bodyLimitBytes: number
  /** Longest silence within a body that is being read. Its pace has a floor besides; see body.ts. */
  readonly bodyIdleMs: number
  /** Where handshakes for WebSockets are taken as such; anywhere else they are plain requests. */
  readonly socketPath?: string
  /** Serves one exchange. Never throws and never rejects; it always ends in `send` or `stream`. */
  readonly handle: (exchange: Exchange) => void
}

export interface HttpServer {
  readonly adapter: 'uws' | 'node'
  /** Resolves to the port. Rejects with an Error whose `code` is EADDRINUSE, EACCES or EADDRNOTAVAIL. Port 0 takes a free one. */
  listen(address: { host: string; port: number; exclusive: boolean }): Promise<number>
  /** From now on every reply closes its connection. */
  drain(): void
  /** Accepts no further connection; open ones go on. */
  stopListening(): void
  /** Number of exchanges that are not complete. A socket is none. */
  readonly inFlight: number
  /** Ends everything that is still open, sockets included. */
  close(): void
}

export type CreateHttpServer = (options: HttpServerOptions) => HttpServer
