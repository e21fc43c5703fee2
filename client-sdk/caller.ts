import { systemClock } from './clock.ts'
import { isFailure } from './failure.ts'
import { inSession } from './openSession.ts'
import type { CallOptions, ClientOptions } from './options.ts'
import { headersOf, type Target } from './requestHeaders.ts'
import { retried } from './retry.ts'
import type { Session } from './session.ts'
import type { Tokens } from './stores.ts'
import type { Send } from './transport.ts'
import { withinTime } from './withinTime.ts'

export type Call = (target: Target, input: unknown, options?: CallOptions) => Promise<unknown>

/** Everything that happens to a call between the caller and the links. */
export const createCaller = (options: ClientOptions, send: Send, session: Session | undefined): Call => {
  const { clock = systemClock, timeoutMs = 30_000, retries = 2 } = options

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
