import { kindOf } from '../../../db/causes.ts'
import type { Duty, DutyContext, DutyResult } from './duty.ts'

/** How a run ended, as the table keeps it. */
export interface Ending {
  readonly outcome: 'done' | 'failed'
  readonly result: DutyResult | null
  readonly error: string | null
}

/** Runs a duty once. Never rejects: what goes wrong becomes one line of the log and the kind of the error. */
export const carryOut = async (duty: Duty, context: DutyContext): Promise<Ending> => {
  try {
    return { outcome: 'done', result: await duty.run(context), error: null }
  } catch (error) {
    context.log.error({ err: error, duty: duty.name, tick: context.tick }, 'a duty failed')
    return { outcome: 'failed', result: null, error: kindOf(error) }
  }
}
