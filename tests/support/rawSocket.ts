import type { IncomingMessage } from 'node:http'
import WebSocket from 'ws'

export interface SocketClosing {
  readonly code: number
  readonly reason: string
}

/** A client that sends text as it is given, and keeps what comes. */
export class RawSocket {
  readonly socket: WebSocket
  readonly closed: Promise<SocketClosing>
  /** What has arrived and was not taken by `next`. */
  readonly pending: string[] = []
  #isClosed = false
  #changed: () => void = () => {}

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.socket = new WebSocket(url, { headers })
    this.socket.on('message', (data) => {
      this.pending.push(String(data))
      this.#changed()
    })
    this.closed = new Promise((resolve) => {
      this.socket.on('error', () => {})
      this.socket.once('close', (code, reason) => {
        this.#isClosed = true
        this.#changed()
        resolve({ code, reason: String(reason) })
      })
    })
  }

  /** Resolves to the status of the handshake: 101, or that of the refusal. */
  static async handshake(url: string, headers: Readonly<Record<string, string>> = {}): Promise<RawHandshake> {
    const socket = new WebSocket(url, { headers })
    socket.on('error', () => {})
    return new Promise((resolve) => {
      socket.once('upgrade', (reply: IncomingMessage) => {
        socket.once('open', () => socket.close())
        resolve({ status: 101, headers: reply.headers, body: '' })
      })
      socket.once('unexpected-response', (_request, reply: IncomingMessage) => {
        let body = ''
        reply.on('data', (chunk) => {
          body += chunk
        })
        reply.once('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body }))
      })
    })
  }

  async open(): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) {
      await new Promise((resolve) => this.socket.once('open', resolve).once('close', resolve))
    }
    return this
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message))
  }

  /** The next message, or null when the socket closes before one. */
  async text(): Promise<string | null> {
    for (;;) {
      const text = this.pending.shift()
      if (text !== undefined) return text
      if (this.#isClosed) return null
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: replies of every form are looked into.
  async next(): Promise<any> {
    return JSON.parse((await this.text()) ?? 'null')
  }
}

interface RawHandshake {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}
