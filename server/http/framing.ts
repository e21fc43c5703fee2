import { SocketAddress } from 'node:net'
import type { Exchange, HeaderMap } from './exchange.ts'

/** Has no prototype, so that `headers['constructor']` is undefined, and still has the fast properties of a class. */
class HeaderBag {
  [name: string]: string
}
Object.setPrototypeOf(HeaderBag.prototype, null)
Reflect.deleteProperty(HeaderBag.prototype, 'constructor')

/** RFC 9112 3. */
interface RequestLine {
  readonly method: string
  readonly path: string
  readonly query: string
}

export interface RequestHead extends RequestLine {
  readonly headers: HeaderMap
  readonly defect: Exchange['defect']
}

/** The addon's parser has room for about so many; node's would silently drop those beyond its own limit. */
const headerCountMax = 100

/** Collects the header lines of one request. Names come in lower case. */
export class HeadReader {
  readonly #headers = new HeaderBag()
  #isRepeated = false
  #count = 0

  add(name: string, value: string): void {
    this.#count++
    const earlier = this.#headers[name]
    if (earlier === undefined) {
      this.#headers[name] = value
      return
    }
    this.#headers[name] = `${earlier}, ${value}`
    if (name === 'content-length' || name === 'transfer-encoding' || name === 'host') this.#isRepeated = true
  }

  finish({ method, path, query }: RequestLine): RequestHead {
    const isServable = this.#isSound() && isMethod(method) && isOriginForm(path) && isPrintable(query)
    const defect = isServable ? null : 'request.malformed'
    return {
      method,
      path,
      query,
      headers: this.#headers,
      defect: this.#count > headerCountMax ? 'request.headers_too_large' : defect,
    }
  }

  /**
   * What a proxy in front might read otherwise than we do is the ground of request smuggling. Stricter than
   * RFC 9112 6.3, which lets a server merge equal lengths: no honest client sends them.
   */
  #isSound(): boolean {
    const { host, 'content-length': length, 'transfer-encoding': coding } = this.#headers
    return (
      !this.#isRepeated &&
      isGoodHost(host) &&
      (coding === undefined || (length === undefined && coding.toLowerCase() === 'chunked')) &&
      (length === undefined || isDecimal(length))
    )
  }
}

let lastGoodHost: string | undefined
/** RFC 9110 4.2.1 and RFC 3986 3.2.2; the last good value is remembered, since nearly every request repeats it. */
function isGoodHost(host: string | undefined): boolean {
  if (host === undefined) return false
  if (host === lastGoodHost) return true
  if (!/^[\w.~!$&'()*+,;=%:[\]-]+$/.test(host)) return false
  lastGoodHost = host
  return true
}

const commonMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
function isMethod(method: string): boolean {
  return commonMethods.has(method) || /^[A-Z][A-Z-]*$/.test(method)
}

/** At most 15 digits: all of them are exact as a number, and no real length has more. */
function isDecimal(text: string): boolean {
  return /^\d{1,15}$/.test(text)
}

/** Absolute and asterisk forms (RFC 9112 3.2) are for proxies and for OPTIONS: nobody is served by them. */
function isOriginForm(path: string): boolean {
  return path.charCodeAt(0) === 47 && isPrintable(path)
}

/** ASCII without controls, blanks and fragment: RFC 3986 has the rest percent-encoded, and node's parser refuses it. */
function isPrintable(target: string): boolean {
  for (let index = 0; index < target.length; index++) {
    const code = target.charCodeAt(index)
    if (code <= 32 || code === 35 || code > 126) return false
  }
  return true
}

/** Bytes announced by content-length; null for a chunked body, 0 for none. Only valid when the head has no defect. */
export function announcedLength(headers: HeaderMap): number | null {
  if (headers['transfer-encoding'] !== undefined) return null
  const length = headers['content-length']
  return length === undefined ? 0 : Number(length)
}

/** RFC 6455 4.2.1, of a GET without a body. Names are asked for in lower case; an absent header is undefined or ''. */
export function isHandshake(header: (name: string) => string | undefined): boolean {
  return (
    header('upgrade')?.toLowerCase() === 'websocket' &&
    /\bupgrade\b/i.test(header('connection') ?? '') &&
    header('sec-websocket-version') === '13' &&
    /^[A-Za-z0-9+/]{22}==$/.test(header('sec-websocket-key') ?? '') &&
    !header('content-length') &&
    !header('transfer-encoding')
  )
}

/** Canonical text (RFC 5952) of a socket's address; an IPv4-mapped IPv6 address becomes plain IPv4. */
export function canonicalAddress(address: string): string {
  if (!address.includes(':')) return address
  const text = new SocketAddress({ family: 'ipv6', address: address.split('%')[0] ?? '' }).address
  return text.startsWith('::ffff:') && text.includes('.') ? text.slice(7) : text
}

const ownedByAdapter = new Set(['content-length', 'transfer-encoding', 'connection', 'date'])

/** The last good value of each good name: most of a reply's headers are the same every time. */
const lastSent = new Map<string, string>()

/**
 * Refuses what would break the reply's framing. The addon checks nothing, and a line break in a value lets whoever
 * chose it write headers, or a whole second reply, of their own (CWE-113).
 * @throws TypeError
 */
export function checkReplyHeaders(headers: HeaderMap): void {
  for (const name in headers) {
    const value = headers[name]
    const last = lastSent.get(name)
    if (typeof value === 'string' && value === last) continue
    if (last === undefined && ownedByAdapter.has(name.toLowerCase()))
      throw new TypeError(`The reply header ${name} is the adapter's to write.`)
    if (typeof value !== 'string' || (last === undefined && !isToken(name)) || isUnsendable(value))
      throw new TypeError(`The reply header ${JSON.stringify(name)} cannot be sent.`)
    if (last !== undefined || lastSent.size < 200) lastSent.set(name, value)
  }
}

function isToken(name: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name)
}

/** Letters beyond ASCII count too: one adapter would send them as UTF-8, the other as Latin-1. */
function isUnsendable(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if ((code < 32 && code !== 9) || code > 126) return true
  }
  return false
}
