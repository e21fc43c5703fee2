import { createHash } from 'node:crypto'
import { RateLimiterRes } from 'rate-limiter-flexible'
import type { RateClass } from '../../contract/define.ts'
import { refuse } from '../rpc/failure.ts'
import type { LimitStore } from './limits/store.ts'

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

/** Counts nothing. */
export const unlimited: Budgets = {
  spendAddress: async () => {},
  spendClass: async () => undefined,
  tryGuess: async () => true,
  forgiveGuess: async () => {},
}

/** Told of every refusal. */
export type OnRefused = (budget: 'address' | 'guess' | RateClass) => void

interface Parts {
  /** What an address may ask for without valid credentials. */
  readonly addressPerMinute: number
  readonly store: Pick<LimitStore, 'limiter'>
  readonly onRefused: OnRefused
}

/** Counts calls in windows of a minute. */
export const createBudgets = ({ addressPerMinute, store, onRefused }: Parts): Budgets => {
  const perWindow = (name: string, points: number) => store.limiter({ name, points, seconds: windowSeconds })
  const addresses = perWindow('address', addressPerMinute)
  const classes = {
    read: perWindow('read', perMinute.read),
    write: perWindow('write', perMinute.write),
    credential: perWindow('credential', perMinute.credential),
  }
  const refused = (budget: 'address' | RateClass) => (exceeded: unknown) => {
    if (!(exceeded instanceof RateLimiterRes)) throw exceeded
    onRefused(budget)
    throw refuse('rate_limited', { retryAfterSeconds: exceeded.msBeforeNext / 1000 })
  }
  const guesses = store.limiter({ name: 'guess', points: guessesMax, seconds: guessesSeconds, givesBack: true })
  const allowance = (rate: RateClass): Spent<Allowance> => [
    ({ remainingPoints: remaining, msBeforeNext }) => ({
      rate,
      quota: perMinute[rate],
      remaining,
      resetSeconds: Math.ceil(msBeforeNext / 1000),
    }),
    refused(rate),
  ]
  const spent = { read: allowance('read'), write: allowance('write'), credential: allowance('credential') }
  const ofAddress: Spent<void> = [() => {}, refused('address')]
  return {
    // Every call waits for this: one promise besides the store's.
    spendAddress: (address) => addresses.consume(address).then(...ofAddress),
    spendClass: (rate, principal) => classes[rate].consume(principal).then(...spent[rate]),
    // Counted before the password is looked at, so that many guesses at once get no more than the budget.
    tryGuess: (account) =>
      guesses.consume(digestOf(account)).then(
        () => true,
        () => {
          onRefused('guess')
          return false
        },
      ),
    async forgiveGuess(account) {
      await guesses.reward(digestOf(account))
    },
  }
}

/** A store holds no e-mail, nor the text of whatever length that somebody sent as one. */
const digestOf = (account: string): string => createHash('sha256').update(account).digest('base64url')

/** What becomes of what the store said. */
type Spent<Answer> = readonly [granted: (left: RateLimiterRes) => Answer, refused: (exceeded: unknown) => never]
