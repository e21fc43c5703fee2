import type { Account } from './accounts.ts'
import type { TestApp } from './app.ts'

export interface Answer {
  readonly status: number
  /** The code of a refusal. */
  readonly code: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: a test reads replies of every shape
  readonly data: any
  // biome-ignore lint/suspicious/noExplicitAny: a test reads replies of every shape
  readonly meta: any
  readonly headers: Headers
}

export type Caller = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>

/** Calls paths under /api/v1 in the name of an account, in a tenant or, without one, in the global bucket. */
export const callerOf =
  (
    { request }: TestApp,
    { accessToken }: Pick<Account, 'accessToken'>,
    tenant?: { readonly id: string } | undefined,
  ): Caller =>
  async (method, path, body, headers) => {
    const reply = await request(method, `/api/v1${path}`, {
      token: accessToken,
      body,
      headers: { ...(tenant && { 'x-tenant-id': tenant.id }), ...headers },
    })
    const { data, error } = reply.body ?? {}
    return { status: reply.status, code: error?.code, data, meta: error?.meta, headers: reply.headers }
  }

/** Status and code in one line: `404 user.not_found`, or `200`. */
export const said = ({ status, code }: Answer): string => (code === undefined ? `${status}` : `${status} ${code}`)

/** Walks a list to its end; returns its pages. */
export const walk = async (call: Caller, path: string, limit: number): Promise<Answer['data'][][]> => {
  const pages: Answer['data'][][] = []
  let next = `${path}${path.includes('?') ? '&' : '?'}limit=${limit}`
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { data } = await call('GET', cursor === '' ? next : `${next}&cursor=${cursor}`)
    pages.push(data.items)
    cursor = data.next_cursor
    next = next.replace(/&total=true/, '')
  }
  return pages
}
