import type { Pass } from './drive.ts'
import type { Measurement } from './measure.ts'
import type { ScenarioName } from './scenarios.ts'

/** What went wrong in a scenario, one sentence each with the next step. */
export const failuresOf = ({ scenario, expected, full_speed, scheduled }: Measurement): readonly string[] =>
  [full_speed, ...(scheduled ? [scheduled] : [])].flatMap((pass) => [
    ...refusals(pass, expected).map(
      ([status, count]) => `${scenario}: ${count} × ${status}. ${adviceOn(status, scenario)}`,
    ),
    ...Object.entries(pass.transport_errors).map(
      ([reason, count]) => `${scenario}: ${count} without an answer (${reason}). ${unanswered}`,
    ),
    ...(pass.wrong_answers > 0
      ? [`${scenario}: ${pass.wrong_answers} × ${expected} that said something else. ${wrong}`]
      : []),
  ])

const refusals = ({ statuses }: Pass, expected: number) =>
  Object.entries(statuses)
    .map(([status, count]) => [Number(status), count] as const)
    .filter(([status]) => status !== expected)

const adviceOn = (status: number, scenario: ScenarioName): string => {
  if (status === 429)
    return 'The server limits how often it may be asked: start it with RATE_LIMIT_PER_MINUTE=0 for as long as it is measured.'
  if (status === 401 && scenario === 'me')
    return 'The tokens of the accounts are over or of another server: renew them with --scenario login-refresh.'
  if (status === 401) return 'The accounts are of another server: make new ones with --scenario register.'
  if (status === 409) return 'These accounts are there already: choose another --prefix.'
  if (status === 404 && scenario === 'register') return 'Nobody may register there: set FLAG_REGISTRATION=true.'
  if (status === 503) return 'The server had more to do than it takes on: lower --concurrency.'
  return 'The log of the server says why.'
}

const unanswered = 'See whether the server still runs, and whether --timeout is long enough.'
const wrong = 'See what answers there.'
