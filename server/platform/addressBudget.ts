import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { refuse } from '../rpc/failure.ts'
import type { AddressBudget } from '../rpc/gates.ts'

/** Counts calls without valid credentials, by address, in windows of a minute. 0 a minute counts nothing. */
export const createAddressBudget = (perMinute: number): AddressBudget => {
  if (perMinute === 0) return { spend: async () => {} }
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 })
  return {
    async spend(address) {
      try {
        await limiter.consume(address)
      } catch (exceeded) {
        if (!(exceeded instanceof RateLimiterRes)) throw exceeded
        throw refuse('rate_limited', { retryAfterSeconds: exceeded.msBeforeNext / 1000 })
      }
    },
  }
}
