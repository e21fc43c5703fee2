import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { RateClass } from '../../contract/define.ts'
import type { RequestHead } from '../context.ts'
import { refuse } from '../rpc/failure.ts'
import type { Budgets } from '../rpc/gates.ts'

/** Calls a minute of one principal, by the rate class of the entry. */
const perMinute: Record<RateClass, number> = { read: 600, write: 120, credential: 30 }
const windowSeconds = 60

/** Failed logins of one account: after so many within the time, even a right password is answered like a wrong one. */
const guessesMax = 10
const guessesSeconds = 900

const unlimited: Budgets = {
  spendAddress: async () => {},
  spendClass: async () => {},
  tryGuess: async () => true,
  forgiveGuess: async () => {},
}

/**
 * Counts calls in windows of a minute, in the memory of this process. `addressPerMinute` is what an address may ask for
 * without valid credentials; 0 turns all of it off, the budget of guesses included.
 */
export const createBudgets = (addressPerMinute: number): Budgets => {
  if (addressPerMinute === 0) return unlimited
  const addresses = limiter(addressPerMinute, windowSeconds)
  const classes = {
    read: limiter(perMinute.read, windowSeconds),
    write: limiter(perMinute.write, windowSeconds),
    credential: limiter(perMinute.credential, windowSeconds),
  }
  const guesses = limiter(guessesMax, guessesSeconds)
  return {
    async spendAddress(address) {
      await consume(addresses, address)
    },
    async spendClass(rate, principal, request) {
      noteRest(request, rate, await consume(classes[rate], principal))
    },
    async tryGuess(account) {
      // Counted before the password is looked at, so that many guesses at once get no more than the budget.
      return guesses.consume(account).then(
        () => true,
        () => false,
      )
    },
    async forgiveGuess(account) {
      await guesses.reward(account)
    },
  }
}

const limiter = (points: number, duration: number) => new RateLimiterMemory({ points, duration })

const consume = async (from: RateLimiterMemory, key: string): Promise<RateLimiterRes> => {
  try {
    return await from.consume(key)
  } catch (exceeded) {
    if (!(exceeded instanceof RateLimiterRes)) throw exceeded
    throw refuse('rate_limited', { retryAfterSeconds: exceeded.msBeforeNext / 1000 })
  }
}

const noteRest = (request: RequestHead, rate: RateClass, { remainingPoints, msBeforeNext }: RateLimiterRes): void => {
  request.budget = {
    rate,
    quota: perMinute[rate],
    remaining: remainingPoints,
    resetSeconds: Math.ceil(msBeforeNext / 1000),
  }
}
