import type { OnRefused } from '../budgets.ts'
import type { Metrics } from './metrics.ts'

/** Counts what the budgets refuse. */
export const countRefusals =
  ({ count }: Metrics): OnRefused =>
  (budget) =>
    budget === 'guess' ? count('tsforge_guesses_refused_total') : count('tsforge_calls_limited_total', { budget })
