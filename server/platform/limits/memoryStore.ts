import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Limit, LimitStore } from './store.ts'

/** Counts in the memory of this process; what another process admits is not seen. */
export const createMemoryStore = (): LimitStore => ({ limiter: inMemory, close: async () => {} })

/** Also the insurance of a store that others share. */
export const inMemory = ({ points, seconds }: Limit): RateLimiterMemory =>
  new RateLimiterMemory({ points, duration: seconds })
