import { EventEmitter } from 'node:events'
import type { TextSocket } from './exchange.ts'

/** A message that finds more than this waiting is not sent, and the socket is closed. */
const bufferedBytesMax = 256 * 1024
/** What may wait before a stream pauses. */
const waitingBytes = 64 * 1024
/** How long a client may take nothing of what waits for it. */
const stallMs = 15_000

/** What `readyState` says, RFC 6455 and the browsers' interface. */
const states = { open: 1, closing: 2, closed: 3 } as const

/**
 * Our socket in the form that tRPC's handler knows from the package `ws`: `message` and `close` are its events. A client
 * that does not read is let go; when it comes back, its subscriptions go on behind the last event it has seen.
 */
export class SocketPeer extends EventEmitter {
  readyState: number = states.open
  readonly #socket: TextSocket
  #sentBytes = 0
  #stallTimer: NodeJS.Timeout | undefined
  #pausing: (() => void)[] = []

  constructor(socket: TextSocket) {
    super()
    this.#socket = socket
  }

  send(text: string): void {
    if (this.readyState !== states.open || text === '') return
    if (this.#socket.bufferedBytes > bufferedBytesMax) {
      this.close(1013, 'the client reads too slowly')
      return
    }
    this.#socket.send(text)
    this.#sentBytes += Buffer.byteLength(text)
    if (this.#socket.bufferedBytes > 0) this.#watch()
  }

  /** tRPC gives no code when it could not read the connection params. */
  close(code = 1008, reason = 'the connection params could not be read'): void {
    if (this.readyState !== states.open) return
    this.readyState = states.closing
    this.#resume()
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }

  /** Resolves when little waits to be sent, or the socket is closing. */
  whenTaken(): Promise<void> {
    if (this.readyState !== states.open || this.#socket.bufferedBytes <= waitingBytes) return Promise.resolve()
    return new Promise((resolve) => this.#pausing.push(resolve))
  }

  /** Something of what waited has left. */
  drained(): void {
    const { bufferedBytes } = this.#socket
    if (bufferedBytes <= waitingBytes) this.#resume()
    if (bufferedBytes > 0) return
    clearTimeout(this.#stallTimer)
    this.#stallTimer = undefined
  }

  /** The socket is gone. */
  ended(): void {
    this.readyState = states.closed
    clearTimeout(this.#stallTimer)
    this.#resume()
    this.emit('close')
  }

  #resume(): void {
    for (const resolve of this.#pausing.splice(0)) resolve()
  }

  #watch(): void {
    if (this.#stallTimer) return
    const taken = this.#takenBytes()
    this.#stallTimer = setTimeout(() => {
      this.#stallTimer = undefined
      if (this.#socket.bufferedBytes === 0) return
      if (this.#takenBytes() > taken) this.#watch()
      else this.terminate()
    }, stallMs).unref()
  }

  #takenBytes(): number {
    return this.#sentBytes - this.#socket.bufferedBytes
  }
}
