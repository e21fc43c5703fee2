import { Failure } from '../../rpc/failure.ts'
import type { Budgets } from '../budgets.ts'
import type { Metrics } from './metrics.ts'

/** The same budgets; what they refuse is counted. */
export const countedBudgets = (budgets: Budgets, { count }: Metrics): Budgets => {
  const counted =
    (budget: 'address' | 'read' | 'write' | 'credential') =>
    (error: unknown): never => {
      if (error instanceof Failure && error.code === 'rate_limited') count('tsforge_calls_limited_total', { budget })
      throw error
    }
  const address = counted('address')
  const classes = { read: counted('read'), write: counted('write'), credential: counted('credential') }
  return {
    spendAddress: (key) => budgets.spendAddress(key).catch(address),
    spendClass: (rate, principal) => budgets.spendClass(rate, principal).catch(classes[rate]),
    async tryGuess(account) {
      const isGranted = await budgets.tryGuess(account)
      if (!isGranted) count('tsforge_guesses_refused_total')
      return isGranted
    },
    forgiveGuess: budgets.forgiveGuess,
  }
}
