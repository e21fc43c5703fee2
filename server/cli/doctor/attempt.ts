import { codeOf } from '../../../db/causes.ts'
import type { withConnection } from '../../../db/oneConnection.ts'
import { isUnavailable } from '../../../db/unavailable.ts'
import { type Finding, failed, inWords } from './finding.ts'

export type Client = Parameters<Parameters<typeof withConnection>[1]>[0]

const waitMs = 3_000
/** How long a check waits for a connection, and for an answer. */
export const briefly = { connectionTimeoutMillis: waitMs, query_timeout: waitMs } as const

/** Turns what a check throws into a finding. */
export const attempt = async (
  check: string,
  work: () => Promise<Finding>,
  variable = 'DATABASE_URL',
): Promise<Finding> => {
  try {
    return await work()
  } catch (error) {
    if (/^28|^3D/.test(codeOf(error) ?? ''))
      return failed(check, `refused: ${inWords(error)}`, `correct user, password or database name of ${variable}`)
    if (isUnavailable(error))
      return failed(check, `does not answer: ${inWords(error) || codeOf(error)}`, `start it, or correct ${variable}`)
    return failed(check, inWords(error), `see the message, and ${variable}`)
  }
}
