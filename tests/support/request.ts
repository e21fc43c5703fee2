import { createRouter } from '../../server/http/router.ts'
import { entries } from './entries.ts'
import { conformance, provoked } from './record.ts'

/** What a test sends besides method and path. An object body is sent as JSON, a string as it is. */
export interface RequestOptions {
  readonly token?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads replies of every shape
  readonly body: any
}

const routes = createRouter([...entries].map(([key, { http }]) => ({ method: http[0], path: http[1], value: key })))

/** Sends one REST request over a real socket; every reply is checked against the OpenAPI document and noted. */
export const createRequest =
  (url: string) =>
  async (method: string, path: string, options: RequestOptions = {}): Promise<Reply> => {
    const isText = typeof options.body === 'string' || options.body instanceof Uint8Array
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: isText ? (options.body as string) : JSON.stringify(options.body) }),
    })
    const text = await textOf(response)
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    const body = isJson && text !== '' ? JSON.parse(text) : undefined
    note(method, path.split('?')[0] ?? path, { status: response.status, body })
    return { status: response.status, headers: response.headers, text, body }
  }

/** A stream has no end: what opens it says that it was granted. */
export const textOf = async (response: Response): Promise<string> => {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  if (!isStream || !response.body) return response.text()
  const reader = response.body.getReader()
  const { value } = await reader.read()
  await reader.cancel()
  return Buffer.from(value ?? []).toString()
}

export type SendRequest = ReturnType<typeof createRequest>

const note = (method: string, path: string, reply: { status: number; body: unknown }) => {
  const found = routes.match(method, path)
  if (!found || !('value' in found)) return
  const code = (reply.body as { error?: { code?: string } } | undefined)?.error?.code
  if (code !== undefined) provoked(found.value, code)
  const entry = entries.get(found.value)
  // The events of a stream are judged one by one by who reads them.
  const isStream = entry?.kind === 'subscription' && reply.status === 200
  if (entry && method !== 'HEAD' && !isStream) conformance(entry.http, reply)
}
