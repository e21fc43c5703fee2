import { STATUS_CODES } from 'node:http'
import type { AddonRequest, AddonResponse } from './addon.ts'
import type { Answer, BodyWriter, HeaderMap } from './exchange.ts'
import { canonicalAddress, checkReplyHeaders, HeadReader, type RequestHead } from './framing.ts'
import { type ExchangeHost, isBodyless, OpenExchange, silentWriter } from './openExchange.ts'
import { ChunkedWriter, HeldWriter } from './uwsWriter.ts'

const statusLines = new Map(Object.entries(STATUS_CODES).map(([code, reason]) => [Number(code), `${code} ${reason}`]))

const methodsWithBody = new Set(['POST', 'PUT', 'PATCH'])

/** One request on the addon. The order of calls is the server's: construct, handle, leaveHandler. */
export class UwsExchange extends OpenExchange {
  readonly #res: AddonResponse
  readonly #isBodyMissing: boolean
  #isInHandler = true
  #isReplied = false
  #peerAddress: string | undefined
  #writer: ChunkedWriter | null = null

  constructor(res: AddonResponse, req: AddonRequest, host: ExchangeHost) {
    super(readHead(req), host)
    this.#res = res
    this.#isBodyMissing = methodsWithBody.has(this.method) && this.headers['content-length'] === undefined
  }

  /** The addon makes a buffer of it, which takes longer than to read the whole head: only for those who want to know. */
  get peerAddress(): string {
    if (this.#isReplied || this.isAborted) return this.#peerAddress ?? ''
    this.#peerAddress ??= canonicalAddress(Buffer.from(this.#res.getRemoteAddressAsText()).toString('latin1'))
    return this.#peerAddress
  }

  /** Must follow the handler's synchronous part: the addon ends the process over an open reply without onAborted. */
  leaveHandler(): void {
    this.#isInHandler = false
    if (this.outcome) {
      // The response is out of reach now, and so is whatever of the body had not arrived.
      this.body?.fail('aborted')
      return
    }
    this.#res.onAborted(() => this.abort())
    // Before anybody asks for the body: bytes that arrive without a listener are lost.
    if (this.body) this.#res.onData((chunk, isLast) => this.#receive(chunk, isLast))
  }

  send(answer: Answer): void {
    if (this.#isReplied || this.isAborted) return
    checkReplyHeaders(answer.headers)
    this.#isReplied = true
    if (this.host.isDraining || this.#isUnsafeToReuse()) this.#close(answer)
    else this.#cork(() => this.#write(answer, false))
  }

  stream(status: number, headers: HeaderMap): BodyWriter {
    if (this.#isReplied || this.isAborted) return silentWriter
    checkReplyHeaders(headers)
    this.#isReplied = true
    if (this.#isUnsafeToReuse()) {
      const giveUp = () => void (this.outcome ?? this.#res.close())
      return new HeldWriter((body) => this.#close({ status, headers, body }), giveUp)
    }
    if (this.method === 'HEAD' || isBodyless(status)) {
      this.#cork(() => this.#writeHeadOnly(status, headers))
      return silentWriter
    }
    this.#cork(() => this.#writeHead(status, headers))
    this.#writer = new ChunkedWriter(this.#res, headers, () => this.complete('sent'))
    return this.#writer
  }

  /** Hands the connection over to a socket; what is left of the response belongs to the addon then. */
  protected takeOver(hand: (res: AddonResponse) => void): void {
    if (this.#isReplied || this.isAborted) return
    this.#isReplied = true
    this.#cork(() => {
      this.complete('sent')
      hand(this.#res)
    })
  }

  protected override abort(): void {
    super.abort()
    this.#writer?.abort()
  }

  /**
   * The addon reads chunk sizes too leniently (`5g`, bare LF, ':' as a digit), so that what it finds behind a chunked
   * body may be no request to anybody else. None is ever read there, nor behind a defect or a body given up. A header
   * without a name ends the addon's list of headers and hides a content-length behind it: so neither is one read
   * behind a POST, PUT or PATCH that announces no body, not even an empty one.
   */
  #isUnsafeToReuse(): boolean {
    if (this.isChunked || this.defect !== null || this.body?.failure != null) return true
    return this.#isBodyMissing
  }

  /**
   * Replies and closes, never within the handler: an end inside it neither closes nor keeps the addon from serving the
   * next request of the same segment. While a reply is pending, another request makes the addon close at once.
   */
  #close(answer: Answer): void {
    this.afterBody(() => {
      if (!this.outcome) this.#cork(() => this.#write(answer, true))
    })
  }

  #receive(chunk: ArrayBuffer, isLast: boolean): void {
    const { body } = this
    // The addon takes its memory back after this call; copied only when it is kept.
    if (body && !body.failure && chunk.byteLength > 0) body.push(Buffer.from(Buffer.from(chunk)))
    if (isLast) this.bodyArrived()
  }

  /** The addon corks the handler itself; anywhere else each write would be a system call of its own. */
  #cork(write: () => void): void {
    if (this.#isInHandler) write()
    else this.#res.cork(write)
  }

  #write({ status, headers, body }: Answer, isClosing: boolean): void {
    this.#writeHead(status, headers)
    if (this.method === 'HEAD' || isBodyless(status)) this.#endEmpty(status, body, isClosing)
    else this.#res.end(body ?? '', isClosing)
    this.complete('sent')
  }

  /**
   * Given any argument, `endWithoutBody` writes a Content-Length, and unless that is 0 it leaves the response open for
   * ever. So it is called without one, and cannot close: when draining the header alone asks the client to. Where the
   * connection must not live on, a Content-Length of 0 is the price.
   */
  #endEmpty(status: number, body: Answer['body'], isClosing: boolean): void {
    const res = this.#res
    if (isClosing && this.#isUnsafeToReuse()) {
      res.end('', true)
      return
    }
    if (isClosing) res.writeHeader('Connection', 'close')
    if (!isBodyless(status)) res.writeHeader('Content-Length', String(body === null ? 0 : Buffer.byteLength(body)))
    res.endWithoutBody()
  }

  #writeHeadOnly(status: number, headers: HeaderMap): void {
    this.#writeHead(status, headers)
    this.#res.endWithoutBody()
    this.complete('sent')
  }

  #writeHead(status: number, headers: HeaderMap): void {
    const res = this.#res
    res.writeStatus(statusLines.get(status) ?? `${status} Unknown`)
    // All lines in one call: each call into the addon costs more than a short header. No value holds a line break,
    // which checkReplyHeaders saw to.
    let first = ''
    let rest = ''
    for (const name in headers) {
      if (first === '') first = name
      else rest += `\r\n${name}: ${headers[name]}`
    }
    if (first !== '') res.writeHeader(first, headers[first] + rest)
  }
}

function readHead(req: AddonRequest): RequestHead {
  const reader = new HeadReader()
  req.forEach((name, value) => {
    reader.add(name, value)
  })
  return reader.finish({
    method: req.getCaseSensitiveMethod(),
    path: req.getUrl(),
    query: req.getQuery() ?? '',
  })
}
