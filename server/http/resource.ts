import { entityTag, namesTag } from './caching.ts'
import type { Answer, HeaderMap } from './exchange.ts'
import type { Visit } from './route.ts'

/** Bytes that stay the same while the process runs, hashed once. */
export interface Resource {
  readonly type: string
  readonly headers: HeaderMap
  readonly etag: string
  readonly body: Uint8Array
}

export const createResource = (type: string, body: Uint8Array | string, extra: HeaderMap = {}): Resource => {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const etag = entityTag(bytes)
  return {
    type,
    etag,
    body: bytes,
    headers: { ...extra, etag, 'cache-control': 'public, max-age=300, must-revalidate' },
  }
}

/** The resource, or 304 when the client has it. */
export const answerWith = ({ type, headers, etag, body }: Resource, { exchange }: Visit): Answer =>
  namesTag(exchange.headers['if-none-match'], etag)
    ? { status: 304, headers, body: null }
    : { status: 200, headers: { ...headers, 'content-type': type }, body }
