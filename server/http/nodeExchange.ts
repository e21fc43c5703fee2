import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, BodyWriter, HeaderMap } from './exchange.ts'
import { canonicalAddress, checkReplyHeaders, HeadReader, type RequestHead } from './framing.ts'
import { type ExchangeHost, isBodyless, OpenExchange, silentWriter } from './openExchange.ts'

/** One request on node:http. */
export class NodeExchange extends OpenExchange {
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly peerAddress: string
  #isReplied = false

  constructor(req: IncomingMessage, res: ServerResponse, host: ExchangeHost) {
    super(readHead(req), host)
    this.#req = req
    this.#res = res
    this.peerAddress = canonicalAddress(req.socket.remoteAddress ?? '')
    res.once('finish', () => this.complete('sent'))
    // The server tells when the connection is gone; without listeners these events would end the process.
    req.on('error', () => {})
    res.on('error', () => {})
  }

  override readBody(): Promise<Buffer> {
    if (this.body && !this.body.failure) this.#receive()
    return super.readBody()
  }

  send(answer: Answer): void {
    if (this.#isReplied || this.isAborted) return
    checkReplyHeaders(answer.headers)
    this.#isReplied = true
    if (!this.#mustClose()) this.#write(answer, false)
    else {
      this.#receive()
      this.afterBody(() => {
        if (!this.isAborted) this.#write(answer, true)
      })
    }
  }

  stream(status: number, headers: HeaderMap): BodyWriter {
    if (this.#isReplied || this.isAborted) return silentWriter
    checkReplyHeaders(headers)
    this.#isReplied = true
    const res = this.#res
    res.writeHead(status, this.#mustClose() ? { ...headers, Connection: 'close' } : headers)
    if (this.method === 'HEAD' || isBodyless(status)) {
      res.end()
      return silentWriter
    }
    const writer = new SocketWriter(res)
    this.onDone(() => writer.release())
    return writer
  }

  /** Lets go of the connection, which then is no business of HTTP. False when it is too late for that. */
  protected takeOver(): boolean {
    if (this.#isReplied || this.isAborted) return false
    this.#isReplied = true
    this.#res.detachSocket(this.#req.socket)
    this.complete('sent')
    return true
  }

  /** The connection is gone, whether or not this exchange's turn on it had come. */
  connectionClosed(): void {
    this.abort()
  }

  /** The rest of the body will not come. False when this exchange does not wait for one. */
  bodyBroke(reason: 'malformed' | 'timeout'): boolean {
    if (!this.body || this.body.isComplete || this.outcome) return false
    this.body.fail(reason)
    return true
  }

  #mustClose(): boolean {
    return this.host.isDraining || this.defect !== null || this.body?.failure != null
  }

  /** Node holds the body back until somebody listens, so this waits for a reader. */
  #receive(): void {
    const { body } = this
    if (!body || this.#req.listenerCount('data') > 0) return
    this.#req.on('data', (chunk: Buffer) => body.push(chunk))
    this.#req.once('end', () => this.bodyArrived())
  }

  #write({ status, headers, body }: Answer, isClosing: boolean): void {
    const sent: Record<string, string | number> = { ...headers }
    if (isClosing) sent.Connection = 'close'
    if (!isBodyless(status)) sent['Content-Length'] = body === null ? 0 : Buffer.byteLength(body)
    this.#res.writeHead(status, sent)
    if (body === null || isBodyless(status) || this.method === 'HEAD') this.#res.end()
    else this.#res.end(body)
  }
}

/** The addon's limit for a client that takes nothing; node has none of its own. */
const stallMs = 10_000

class SocketWriter implements BodyWriter {
  readonly #res: ServerResponse
  #waiting: (() => void)[] = []
  #stallTimer: NodeJS.Timeout | undefined

  constructor(res: ServerResponse) {
    this.#res = res
    res.on('drain', () => this.release())
  }

  write(chunk: string | Uint8Array): boolean {
    if (this.#res.writableEnded) return false
    // Copied: node keeps what the socket does not take, while the owner of the bytes may use them again.
    const isTaken = this.#res.write(typeof chunk === 'string' ? chunk : Buffer.from(chunk))
    if (!isTaken) this.#stallTimer ??= setTimeout(() => this.#res.destroy(), stallMs).unref()
    return isTaken
  }

  drained(): Promise<void> {
    if (this.#res.destroyed || !this.#res.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  end(): void {
    this.#res.end()
  }

  /** The socket is empty again, or gone. */
  release(): void {
    clearTimeout(this.#stallTimer)
    this.#stallTimer = undefined
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

function readHead(req: IncomingMessage): RequestHead {
  const reader = new HeadReader()
  const { rawHeaders } = req
  // Not req.headers, which silently drops the second of many headers.
  for (let index = 0; index < rawHeaders.length; index += 2) {
    reader.add((rawHeaders[index] ?? '').toLowerCase(), asUtf8(rawHeaders[index + 1] ?? ''))
  }
  const target = req.url ?? ''
  const mark = target.indexOf('?')
  const head = reader.finish({
    method: req.method ?? '',
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? '' : target.slice(mark + 1),
  })
  // The addon serves no other version: what works on one adapter must not fail on the other.
  return req.httpVersion === '1.1' ? head : { ...head, defect: 'request.malformed' }
}

/** Node reads the head as Latin-1, the addon as UTF-8. */
function asUtf8(text: string): string {
  return /[\u0080-\u00ff]/.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text
}
