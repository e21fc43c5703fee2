import type { Clock } from './clock.ts'
import type { ClientFailure } from './failure.ts'
import { toFailure } from './toFailure.ts'

export interface Retrying {
  /** Attempts after the first. */
  readonly retries: number
  /** Cuts the waiting between attempts short; the next attempt then says that it was given up. */
  readonly signal: AbortSignal | undefined
  readonly clock: Clock
}

/** Whoever is told to come back later than this hears it as the failure, rather than wait without a word. */
const longestRetryAfterSeconds = 60

const passingStatuses = new Set([408, 429, 502, 503, 504])

/** Whether a failure's reason passes by itself. */
export const isPassing = ({ code, status }: ClientFailure): boolean =>
  code === 'client.unreachable' ||
  code === 'client.timeout' ||
  code === 'idempotency.in_progress' ||
  (status !== undefined && passingStatuses.has(status))

/**
 * Runs `attempt` again while it fails for a reason that passes: no connection, no time, 408, 429, 502, 503, 504, or an
 * earlier attempt that is still running on the server. Rejects with the last failure. Only for work that may be repeated.
 */
export const retried = async <T>(retrying: Retrying, attempt: () => Promise<T>): Promise<T> => {
  const { retries, signal, clock } = retrying
  for (let count = 0; ; count += 1) {
    try {
      return await attempt()
    } catch (error) {
      const failure = toFailure(error)
      const isEnough = count >= retries || (failure.retryAfterSeconds ?? 0) > longestRetryAfterSeconds
      const delayMs =
        isEnough || !isPassing(failure)
          ? undefined
          : delayAfter(failure, { ...callDelays, count, chance: clock.random() })
      if (delayMs === undefined) throw failure
      await clock.sleep(delayMs, signal)
    }
  }
}

interface Delays {
  readonly firstMs: number
  readonly longestMs: number
}

const callDelays: Delays = { firstMs: 250, longestMs: 8_000 }

/**
 * Milliseconds to wait after a failure. Doubles with each one in a row and is spread by half, so that clients who failed
 * together do not return together. What the server says comes first.
 */
export const delayAfter = (
  failure: ClientFailure | undefined,
  { firstMs, longestMs, count, chance }: Delays & { readonly count: number; readonly chance: number },
): number => {
  const { retryAfterSeconds } = failure ?? {}
  if (retryAfterSeconds !== undefined) return retryAfterSeconds * 1000 + firstMs * chance
  return Math.min(longestMs, firstMs * 2 ** count) * (0.5 + chance / 2)
}
