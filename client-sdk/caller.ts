import { systemClock } from './clock.ts'
import { isFailure } from './failure.ts'
import { newIdempotencyKey } from './idempotencyKey.ts'
import type { Kind } from './kind.ts'
import type { CallOptions, ClientOptions } from './options.ts'
import { retried } from './retry.ts'
import { createSession, type Session } from './session.ts'
import { memoryStore, type Tokens } from './stores.ts'
import { createTransport, type Send } from './transport.ts'
import { type Bounds, withinTime } from './withinTime.ts'

export interface Target {
  /** `auth.me` */
  readonly path: string
  readonly rules: Kind
}

export type Call = (target: Target, input: unknown, options?: CallOptions) => Promise<unknown>

/** Milliseconds for one attempt to renew a session: calls may be waiting for it. */
const refreshTimeoutMs = 10_000

/** Everything that happens to a call between the caller and the links. */
export const createCaller = (options: ClientOptions): Call => {
  const { clock = systemClock, timeoutMs = 30_000, retries = 2 } = options
  const send = createTransport(options)
  const session = options.apiKey === undefined ? openSession(options, send) : undefined

  return async (target, input, callOptions = {}) => {
    const { path, rules } = target
    const bounds = { timeoutMs: callOptions.timeoutMs ?? timeoutMs, signal: callOptions.signal }
    const isRepeatable = rules.kind === 'query' || rules.isKeyed === true
    const retrying = { ...bounds, clock, retries: isRepeatable ? (callOptions.retries ?? retries) : 0 }
    const headers = headersOf(rules, options, callOptions)
    const call = { path, kind: rules.kind, input: input ?? (rules.isInputOptional ? {} : undefined) }
    const sendAs = (tokens: Tokens | null) => {
      const all = tokens ? { ...headers, authorization: `Bearer ${tokens.access_token}` } : headers
      return retried(retrying, () => withinTime(bounds, (signal) => send({ ...call, headers: all, signal })))
    }
    const sent = inSession(rules.isPublic ? undefined : session, bounds, sendAs)
    const answer = await sent.catch((error) => endedOrThrow(path, error))
    if (session) await follow(session, path, { input, answer })
    return answer
  }
}

const openSession = (options: ClientOptions, send: Send): Session => {
  const { clock = systemClock, timeoutMs = 30_000, retries = 2, headers, onSignedOut = () => {} } = options
  const bounds = { timeoutMs: Math.min(timeoutMs, refreshTimeoutMs), signal: undefined }
  const refresh = async (refreshToken: string, idempotencyKey: string) => {
    const call = {
      path: 'auth.refresh',
      kind: 'mutation',
      input: { refresh_token: refreshToken },
      headers: { ...headers, 'idempotency-key': idempotencyKey },
    } as const
    const attempt = () => withinTime(bounds, (signal) => send({ ...call, signal }))
    return (await retried({ retries, signal: undefined, clock }, attempt)) as Tokens
  }
  return createSession({ store: options.session ?? memoryStore(), clock, refresh, onSignedOut })
}

/** Runs a call with the session's tokens. When the server no longer takes them, once more with new ones. */
const inSession = async <T>(
  session: Session | undefined,
  bounds: Bounds,
  sendAs: (tokens: Tokens | null) => Promise<T>,
): Promise<T> => {
  const tokens = session ? await withinTime(bounds, session.current) : null
  try {
    return await sendAs(tokens)
  } catch (error) {
    if (!session || !tokens || !isFailure(error, 'auth.invalid')) throw error
    const renewed = await withinTime(bounds, () => session.renew(tokens))
    if (!renewed) throw error
    return sendAs(renewed)
  }
}

/** The headers of a call but for its token: the same in each attempt. */
const headersOf = (rules: Kind, options: ClientOptions, callOptions: CallOptions): Record<string, string> => {
  const headers: Record<string, string> = { ...options.headers }
  if (rules.isKeyed) headers['idempotency-key'] = callOptions.idempotencyKey ?? newIdempotencyKey()
  if (rules.isPublic) return headers
  const { tenantId = options.tenantId } = callOptions
  const tenant = typeof tenantId === 'function' ? tenantId() : tenantId
  if (tenant !== undefined) headers['x-tenant-id'] = tenant
  if (options.apiKey !== undefined) headers.authorization = `Bearer ${options.apiKey}`
  return headers
}

/** Signing out of a session that is over has come to the end it was meant to come to. */
const endedOrThrow = (path: string, error: unknown): undefined => {
  if (path === 'auth.logout' && isFailure(error) && error.status === 401) return undefined
  throw error
}

/** Keeps the session in step with the calls that begin, renew and end one. */
const follow = async (session: Session, path: string, call: { input: unknown; answer: unknown }): Promise<void> => {
  if (path === 'auth.register' || path === 'auth.login') {
    await session.begin(call.answer as Parameters<Session['begin']>[0])
  }
  if (path === 'auth.refresh') {
    await session.adopt((call.input as { refresh_token: string }).refresh_token, call.answer as Tokens)
  }
  if (path === 'auth.logout') await session.end()
}
