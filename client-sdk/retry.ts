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

const firstDelayMs = 250
const longestDelayMs = 8_000
/** Whoever is told to come back later than this hears it as the failure, rather than wait without a word. */
const longestRetryAfterSeconds = 60

const passingStatuses = new Set([408, 429, 502, 503, 504])

const isPassing = ({ code, status }: ClientFailure): boolean =>
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
      const delayMs = count < retries && isPassing(failure) ? delayAfter(failure, count, clock.random()) : undefined
      if (delayMs === undefined) throw failure
      await clock.sleep(delayMs, signal)
    }
  }
}

/** Doubles with each attempt and is spread by half, so that clients who failed together do not return together. */
const delayAfter = ({ retryAfterSeconds }: ClientFailure, count: number, chance: number): number | undefined => {
  if (retryAfterSeconds === undefined) return Math.min(longestDelayMs, firstDelayMs * 2 ** count) * (0.5 + chance / 2)
  if (retryAfterSeconds > longestRetryAfterSeconds) return undefined
  return retryAfterSeconds * 1000 + firstDelayMs * chance
}
