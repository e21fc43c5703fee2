import { createTRPCUntypedClient, httpBatchLink, httpLink, type TRPCUntypedClient } from '@trpc/client'
import type { Router } from './api.ts'
import type { Kind } from './kind.ts'
import type { ClientOptions } from './options.ts'
import { unreadable } from './toFailure.ts'

export interface Outgoing {
  /** `auth.me` */
  readonly path: string
  readonly kind: Kind['kind']
  readonly input: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** Sends one call once. Rejects with what tRPC's links reject with. */
export type Send = (outgoing: Outgoing) => Promise<unknown>

type Link = TRPCUntypedClient<Router>

/** Servers and proxies take request lines of 8 KiB; an input that alone comes near goes in a body. */
const urlMaxLength = 7_500
const inputMaxLength = 6_000
/** What the server takes in one request. */
const batchMaxItems = 100

/**
 * Sends over @trpc/client's links. A batch is one HTTP request and has one set of headers, so only queries with the
 * same headers (token, tenant) share one; a mutation goes alone because its Idempotency-Key is a header too.
 */
export const createTransport = ({ url, batch = true, fetch: customFetch }: ClientOptions): Send => {
  const common = { url: `${url.replace(/\/+$/, '')}/trpc`, fetch: jsonOnly(customFetch) }
  const headers = ({ op }: { op: { context: Record<string, unknown> } }) => op.context as Record<string, string>
  const alone: Link = createTRPCUntypedClient<Router>({ links: [httpLink({ ...common, headers })] })
  const byPost: Link = createTRPCUntypedClient<Router>({
    links: [httpLink({ ...common, headers, methodOverride: 'POST' })],
  })
  const openBatches = new Map<string, Link>()

  const batchOf = (sharedHeaders: Readonly<Record<string, string>>): Link => {
    const key = JSON.stringify(sharedHeaders)
    const open = openBatches.get(key)
    if (open) return open
    const link = httpBatchLink<Router>({
      ...common,
      headers: sharedHeaders,
      maxURLLength: urlMaxLength,
      maxItems: batchMaxItems,
    })
    const created = createTRPCUntypedClient<Router>({ links: [link] })
    openBatches.set(key, created)
    // The link sends what it gathered in this turn of the event loop.
    setTimeout(() => openBatches.delete(key))
    return created
  }

  return ({ path, kind, input, headers: context, signal }) => {
    if (kind === 'mutation') return alone.mutation(path, input, { context, signal })
    if (isLong(input)) return byPost.query(path, input, { context, signal })
    return (batch ? batchOf(context) : alone).query(path, input, { context, signal })
  }
}

const isLong = (input: unknown): boolean =>
  input !== undefined && encodeURIComponent(JSON.stringify(input)).length > inputMaxLength

/** Turns the answers of proxies and other servers away before tRPC fails to parse them and their status is lost. */
const jsonOnly =
  (customFetch: typeof fetch | undefined) =>
  async (url: Parameters<typeof fetch>[0], init?: object): Promise<Response> => {
    const response = await (customFetch ?? fetch)(url, init)
    if (response.headers.get('content-type')?.includes('json')) return response
    response.body?.cancel().catch(() => {})
    throw unreadable(response)
  }
