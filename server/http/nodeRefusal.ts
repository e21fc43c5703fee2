import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { refuse } from '../rpc/failure.ts'
import { refusal } from './envelope.ts'
import type { Answer } from './exchange.ts'
import { securityHeaders } from './headers.ts'

/** A whole reply in our envelope for a request of which node's parser made nothing, and that so has no exchange. */
export function refusalOf(parserCode: string | undefined): string {
  const id = randomUUID()
  const code = parserCode === 'HPE_HEADER_OVERFLOW' ? 'request.headers_too_large' : 'request.malformed'
  const { status, headers, body } = refusal(refuse(code), id)
  return inBytes({
    status: parserCode === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : status,
    headers: { ...securityHeaders, ...headers, 'x-request-id': id },
    body,
  })
}

function inBytes({ status, headers, body }: Answer): string {
  const text = String(body ?? '')
  const all = {
    ...headers,
    date: new Date().toUTCString(),
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`
}
