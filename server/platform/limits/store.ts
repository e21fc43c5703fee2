import type { RateLimiterAbstract } from 'rate-limiter-flexible'

/** What is counted, and how much of it is allowed in how long. */
export interface Limit {
  /** Stands before every key, so that budgets do not touch each other. */
  readonly name: string
  readonly points: number
  readonly seconds: number
  /** Points may be given back, so a process must not remember by itself that a key is used up. */
  readonly givesBack?: boolean
}

/** Where counts are kept. */
export interface LimitStore {
  /**
   * Counts one budget. What it returns never rejects but with a RateLimiterRes: while the store is away, it counts in
   * the memory of this process.
   */
  readonly limiter: (limit: Limit) => RateLimiterAbstract
  /** Lets go of connections and timers. */
  readonly close: () => Promise<void>
}
