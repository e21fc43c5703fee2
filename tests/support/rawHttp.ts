import { connect, type Socket } from 'node:net'

export interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A client that sends bytes as they are given and reads replies strictly: the peer that tests of framing need. */
export class RawHttp {
  readonly socket: Socket
  /** Resolves when the connection is gone, however it went. */
  readonly closed: Promise<void>
  isClosed = false
  #received = Buffer.alloc(0)
  #changed: () => void = () => {}

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#changed()
    })
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.isClosed = true
        this.#changed()
        resolve()
      })
    })
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes)
  }

  /** What has arrived and was not taken by `response`. */
  get pending(): string {
    return this.#received.toString('latin1')
  }

  /** The next whole reply, or null when the connection closes before one. `toHead` for the reply to HEAD. */
  async response({ toHead = false } = {}): Promise<RawResponse | null> {
    for (;;) {
      const parsed = parseResponse(this.#received, toHead)
      if (parsed) {
        this.#received = this.#received.subarray(parsed.sizeBytes)
        return parsed.response
      }
      if (this.isClosed) return null
      await this.#change()
    }
  }

  /** Waits until `count` bytes or more have arrived. */
  async receive(count: number): Promise<void> {
    while (this.#received.length < count && !this.isClosed) await this.#change()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve
    })
  }
}

function parseResponse(bytes: Buffer, toHead: boolean): { response: RawResponse; sizeBytes: number } | null {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return null
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    if (name in headers) throw new Error(`the reply repeats ${name}`)
    headers[name] = line.slice(colon + 1).trim()
  }
  const start = end + 4
  const isEmpty = toHead || status === 204 || status === 304 || status < 200
  const body = isEmpty ? { text: '', sizeBytes: 0 } : parseBody(bytes.subarray(start), headers)
  return body && { response: { status, headers, body: body.text }, sizeBytes: start + body.sizeBytes }
}

function parseBody(bytes: Buffer, headers: Record<string, string>): { text: string; sizeBytes: number } | null {
  if (headers['transfer-encoding'] === 'chunked') return parseChunks(bytes)
  const length = Number(headers['content-length'])
  if (!Number.isInteger(length)) throw new Error('the reply has no length')
  return bytes.length < length ? null : { text: bytes.subarray(0, length).toString(), sizeBytes: length }
}

function parseChunks(bytes: Buffer): { text: string; sizeBytes: number } | null {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const line = bytes.indexOf('\r\n', at)
    if (line === -1) return null
    const size = Number.parseInt(bytes.subarray(at, line).toString('latin1'), 16)
    if (Number.isNaN(size)) throw new Error('the reply breaks its chunks')
    const next = line + 2 + size + 2
    if (bytes.length < next) return null
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = next
    if (size === 0) return { text: Buffer.concat(parts).toString(), sizeBytes: at }
  }
}
