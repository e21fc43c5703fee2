import { hash } from 'node:crypto'
import type { Answer, Exchange } from './exchange.ts'

/** A strong entity tag for content: RFC 9110 8.8.3. */
export const entityTag = (content: string | Uint8Array): string =>
  `"${hash('sha256', content, 'base64url').slice(0, 22)}"`

/** RFC 9110 13.1.2: a list or `*`, compared weakly, for proxies that compress make a tag weak. */
export const namesTag = (ifNoneMatch: string | undefined, etag: string): boolean => {
  if (ifNoneMatch === undefined) return false
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}

/**
 * Lets the client keep an answer. The tag covers `data` alone, because the request id around it is another one each
 * time; whoever asks again with it gets 304 and no body.
 */
export const cacheable = (
  answer: Answer,
  exchange: Exchange,
  { data, maxAgeSeconds }: { data: unknown; maxAgeSeconds: number },
): Answer => {
  const etag = entityTag(JSON.stringify(data))
  const headers = {
    etag,
    'cache-control': `private, max-age=${maxAgeSeconds}, must-revalidate`,
    vary: 'Authorization, X-Tenant-ID',
  }
  if (namesTag(exchange.headers['if-none-match'], etag)) return { status: 304, headers, body: null }
  return { ...answer, headers: { ...answer.headers, ...headers } }
}
