import { systemClock } from './clock.ts'
import { isFailure } from './failure.ts'
import type { ClientOptions } from './options.ts'
import { retried } from './retry.ts'
import { createSession, type Session } from './session.ts'
import { type KeptTokens, memoryStore, type Tokens } from './stores.ts'
import type { Send } from './transport.ts'
import { type Bounds, withinTime } from './withinTime.ts'

/** Milliseconds for one attempt to renew a session: calls may be waiting for it. */
const refreshTimeoutMs = 10_000

/** The session of a client, renewed over `send`; none for a client with an API key. */
export const openSession = (options: ClientOptions, send: Send): Session | undefined => {
  const { clock = systemClock, timeoutMs = 30_000, retries = 2, headers, onSignedOut = () => {} } = options
  if (options.apiKey !== undefined) return undefined
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
export const inSession = async <T>(
  session: Session | undefined,
  bounds: Bounds,
  sendAs: (tokens: KeptTokens | null) => Promise<T>,
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
