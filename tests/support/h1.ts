import { RawHttp } from './rawHttp.ts'

/** Carries an id that must never turn up in the log where it is hidden in another request's body. */
export const smuggled = 'GET /livez HTTP/1.1\r\nHost: a\r\nX-Request-ID: smuggled\r\n\r\n'

export const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`

/** A route that reads its body and needs no credentials. */
export const post = (headers: string, body = ''): string =>
  `POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${headers}\r\n${body}`

export interface Closing {
  /** Of every reply that came, in order. */
  readonly statuses: readonly number[]
  readonly head: string
  readonly body: string
  readonly afterMs: number
}

/** Everything a server sends to these bytes until it closes. Rejects when it does not within the time. */
export const untilClosed = async (
  port: number,
  bytes: string,
  withinMs: number,
  drip?: { readonly bytes: string; readonly everyMs: number } | '',
): Promise<Closing> => {
  const client = new RawHttp(port)
  const startedAt = performance.now()
  client.send(bytes)
  const dripping = drip && setInterval(() => client.send(drip.bytes), drip.everyMs)
  const timer = setTimeout(() => client.socket.destroy(), withinMs)
  await client.closed
  clearTimeout(timer)
  if (dripping) clearInterval(dripping)
  const afterMs = performance.now() - startedAt
  if (afterMs >= withinMs) throw new Error(`still open after ${withinMs} ms, having sent ${client.pending}`)
  const [head = '', ...rest] = client.pending.split('\r\n\r\n')
  const statuses = [...client.pending.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((match) => Number(match[1]))
  return { statuses, head, body: rest.join('\r\n\r\n'), afterMs }
}

/** A request that must not be served. */
export interface HostileRequest {
  readonly name: string
  readonly bytes: string
  /** What the addon makes of it by itself: a status, waiting until its timer closes, or serving what it cannot see. */
  readonly addon: number | 'waits' | 'blind' | undefined
}

const chunked = 'Transfer-Encoding: chunked\r\n'
const manyHeaders = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: a\r\n`).join('')

const cases: readonly (readonly [name: string, bytes: string, addon?: HostileRequest['addon']])[] = [
  ['two lengths', post('Content-Length: 2\r\nContent-Length: 40\r\n', '{}')],
  ['two equal lengths', post('Content-Length: 2\r\nContent-Length: 2\r\n', '{}')],
  ['a list of lengths', post('Content-Length: 2, 2\r\n', '{}'), 400],
  ['another coding', post('Transfer-Encoding: gzip\r\n')],
  ['a coding that ends like chunked', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
  ['a coding before chunked', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n')],
  ['chunked twice', post(chunked + chunked, '0\r\n\r\n')],
  ['a length and chunked', post(`Content-Length: 4\r\n${chunked}`, '0\r\n\r\n'), 400],
  ['chunked and a length', post(`${chunked}Content-Length: 4\r\n`, '0\r\n\r\n'), 400],
  ['no Host', 'GET /livez HTTP/1.1\r\nX-One: 1\r\n\r\n', 400],
  ['no header at all', 'GET /livez HTTP/1.1\r\n\r\n', 'waits'],
  ['two Hosts', 'GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ['a header without a name', get('/livez', ': x\r\n'), 'blind'],
  ['a space before the colon', get('/livez', 'X-One : 1\r\n'), 'waits'],
  ['a folded header', get('/livez', 'X-One: 1\r\n 2\r\n'), 'waits'],
  ['a bare line feed in a value', get('/livez', 'X-One: 1\nX-Two: 2\r\n'), 'waits'],
  ['bare line feeds', 'GET /livez HTTP/1.1\nHost: a\n\n', 505],
  ['NUL in a value', get('/livez', 'X-One: a\0b\r\n'), 'waits'],
  ['a head over 16 KiB', get('/livez', `X-One: ${'x'.repeat(17_000)}\r\n`), 431],
  ['over 100 headers', get('/livez', manyHeaders(100)), 431],
  ['the absolute form', get('http://a/livez'), 505],
  ['the asterisk form', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 505],
  ['NUL in the path', get('/live\0z'), 505],
  ['HTTP/1.0', 'GET /livez HTTP/1.0\r\nHost: a\r\n\r\n', 505],
  ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 505],
  ['a body cut off', post('Content-Length: 40\r\n', '{"email":')],
  ['a chunked body cut off', post(chunked, '20\r\n{"email":')],
  ['a chunk size cut off', post(chunked, '2')],
]

export const hostileRequests: readonly HostileRequest[] = cases.map(([name, bytes, addon]) => ({ name, bytes, addon }))
