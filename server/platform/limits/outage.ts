import type { Logger } from 'pino'

/** Watches a store that may be away. */
export interface Outage {
  /** Asks the store. While it is away this rejects at once, but for one call a second that tries again. */
  readonly through: <T>(ask: () => Promise<T>) => Promise<T>
  /** Takes note of an error that no call of `through` has met. */
  readonly note: (error: unknown) => void
}

const retryMs = 1_000

/**
 * Keeps calls from waiting for a store that does not answer, and logs one line as it goes away and one as it comes
 * back. `name` is what operators call it.
 */
export const watchOutage = (name: string, log: Logger): Outage => {
  let retryAt: number | undefined

  const note = (error: unknown) => {
    if (retryAt === undefined) log.warn({ err: error, store: name }, away)
    retryAt = performance.now() + retryMs
  }
  const through = async <T>(ask: () => Promise<T>): Promise<T> => {
    const isRetry = retryAt !== undefined
    if (retryAt !== undefined) {
      if (performance.now() < retryAt) throw new StoreAwayError()
      // The others go on without it while this call finds out.
      retryAt = performance.now() + retryMs
    }
    try {
      const answer = await ask()
      // An answer to a call from before the outage says nothing about its end.
      if (isRetry && retryAt !== undefined) {
        retryAt = undefined
        log.info({ store: name }, back)
      }
      return answer
    } catch (error) {
      note(error)
      throw error
    }
  }
  return { through, note }
}

const away = 'the store of rate limits is away: this process counts for itself until it is back'
const back = 'the store of rate limits is back: budgets are shared again'

class StoreAwayError extends Error {
  override readonly name = 'StoreAwayError'
  constructor() {
    super('the store of rate limits is away')
  }
}
