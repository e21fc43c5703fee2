import type { TestApp } from './app.ts'

export interface TrpcReply {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads replies of every shape
  readonly body: any
}

export interface TrpcOptions {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

const send = async (url: string, body: unknown, { token, headers }: TrpcOptions): Promise<TrpcReply> => {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

/** One mutation over tRPC, as httpLink sends it. A string or bytes are sent as they are. */
export const mutate = (app: TestApp, path: string, input?: unknown, options: TrpcOptions = {}): Promise<TrpcReply> =>
  send(`${app.url}/trpc/${path}`, input, options)

/** Several mutations in one request, as httpBatchLink sends them. */
export const mutateAll = (
  app: TestApp,
  calls: readonly (readonly [path: string, input?: unknown])[],
  options: TrpcOptions = {},
): Promise<TrpcReply> => {
  const paths = calls.map(([path]) => path).join(',')
  const inputs = Object.fromEntries(calls.map(([, input], index) => [index, input]))
  return send(`${app.url}/trpc/${paths}?batch=1`, inputs, options)
}

/** One query over tRPC. */
export const ask = async (app: TestApp, path: string, input?: unknown, token?: string): Promise<TrpcReply> => {
  const search = input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify(input))}`
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(`${app.url}/trpc/${path}${search}`, { headers })
  return { status: response.status, headers: response.headers, body: await response.json() }
}
