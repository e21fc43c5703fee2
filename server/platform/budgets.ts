import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { RateClass } from '../../contract/define.ts'
import { refuse } from '../rpc/failure.ts'

/** What is left of a budget after a call. */
export interface Allowance {
  readonly rate: RateClass
  readonly quota: number
  readonly remaining: number
  readonly resetSeconds: number
}

/** What may be asked for in a time. What spends rejects with `rate_limited` when it is used up. */
export interface Budgets {
  /** By address, for calls without valid credentials. */
  readonly spendAddress: (address: string) => Promise<void>
  /** By who calls and the rate class of the entry. Undefined when nothing is counted. */
  readonly spendClass: (rate: RateClass, principal: string) => Promise<Allowance | undefined>
  /** Takes one guess of an account's password; false when there is none left. Never rejects. */
  readonly tryGuess: (account: string) => Promise<boolean>
  /** Gives the guess back that turned out right. */
  readonly forgiveGuess: (account: string) => Promise<void>
}

/** Calls a minute of one principal, by the rate class of the entry. */
const perMinute: Record<RateClass, number> = { read: 600, write: 120, credential: 30 }
const windowSeconds = 60

/** Failed logins of one account: after so many within the time, even a right password is answered like a wrong one. */
const guessesMax = 10
const guessesSeconds = 900

const unlimited: Budgets = {
  spendAddress: async () => {},
  spendClass: async () => undefined,
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
    async spendClass(rate, principal) {
      const { remainingPoints, msBeforeNext } = await consume(classes[rate], principal)
      const resetSeconds = Math.ceil(msBeforeNext / 1000)
      return { rate, quota: perMinute[rate], remaining: remainingPoints, resetSeconds }
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
