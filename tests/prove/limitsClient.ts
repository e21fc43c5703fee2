import { Agent, request } from 'node:http'

/** One request as it reaches a server by way of a proxy that the server trusts. */
export interface Visit {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: object
  readonly token?: string
  /** X-Forwarded-For. The proxy writes the last address in it; what stands before was sent by the client. */
  readonly forwarded: string
  /** The address that the connection comes from: 127.0.0.1, the trusted proxy, unless it says otherwise. */
  readonly peer?: string
}

/** What came of it. */
export interface Seen {
  readonly status: number
  readonly code: string | undefined
  /** The failure as it was sent, without the id of the request. */
  readonly failure: string
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  readonly data: any
  readonly retryAfter: string | undefined
  readonly ms: number
}

export interface Client {
  /** Rejects when there is no whole answer. */
  readonly visit: (url: string, visit: Visit) => Promise<Seen>
  readonly close: () => void
}

const answerTimeoutMs = 30_000
/** Below the ten seconds after which uWebSockets.js closes. */
const idleMs = 5_000

/** Sends requests, at most so many at once to each server. */
export function createClient(atOnce: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce, timeout: idleMs })
  return { visit: (url, visit) => exchange(agent, url, visit), close: () => agent.destroy() }
}

function exchange(agent: Agent, url: string, { method = 'GET', path, body, token, ...from }: Visit): Promise<Seen> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    'x-forwarded-for': from.forwarded,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  }
  const peer = from.peer === undefined ? {} : { localAddress: from.peer }
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const sent = request(url + path, { method, agent, headers, timeout: answerTimeoutMs, ...peer }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part) => parts.push(part))
      response.once('error', reject)
      response.once('end', () => {
        const ms = performance.now() - startedAt
        const { data, error } = JSON.parse(Buffer.concat(parts).toString() || '{}')
        const retryAfter = response.headers['retry-after']
        const failure = JSON.stringify(error ?? null)
        resolve({ status: response.statusCode ?? 0, code: error?.code, failure, data, retryAfter, ms })
      })
    })
    sent.once('timeout', () => sent.destroy(new Error('no answer in time')))
    sent.once('error', reject)
    sent.end(text)
  })
}

let addresses = 0

/** An address that nobody has had before, of the range for benchmarks (RFC 2544). */
export const newAddress = (): string => {
  addresses += 1
  return `198.${18 + (addresses >> 16)}.${(addresses >> 8) & 255}.${addresses & 255}`
}
