import type { Logger } from 'pino'
import { isStopped, isUnavailable } from '../../db/unavailable.ts'
import { HashingOverloaded } from '../platform/hashing/index.ts'
import { Failure, refuse } from './failure.ts'

const retryWhenUnavailableSeconds = 1

/** The one translation of whatever broke into what a client may know. What is not a failure is logged with its cause. */
export const toFailure = (error: unknown, log: Logger): Failure => {
  if (error instanceof Failure) return error
  if (error instanceof HashingOverloaded) {
    return refuse('overloaded', { retryAfterSeconds: error.retryAfterSeconds, cause: error })
  }
  if (isStopped(error)) {
    log.warn({ err: error }, 'a statement took too long')
    return refuse('deadline_exceeded', { retryAfterSeconds: retryWhenUnavailableSeconds, cause: error })
  }
  if (isUnavailable(error)) {
    log.warn({ err: error }, 'database unavailable')
    return refuse('unavailable', { retryAfterSeconds: retryWhenUnavailableSeconds, cause: error })
  }
  log.error({ err: error }, 'unexpected error')
  return refuse('internal', { cause: error })
}
