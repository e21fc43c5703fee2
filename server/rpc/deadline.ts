import type { Deadline, Deadlines } from '../platform/deadlines.ts'
import { refuse } from './failure.ts'
import type { OpenCall, Result } from './procedure.ts'

const retryAfterSeconds = 1

/**
 * What `run` comes to, or `deadline_exceeded` when the call has had its time: whatever it has PostgreSQL do is stopped
 * then and rolled back, and nothing more of it begins. A COMMIT that is on its way is waited for.
 */
export const withDeadline = (
  deadlines: Deadlines,
  { call, seconds }: { call: OpenCall; seconds: number | undefined },
  run: (deadline: Deadline) => Promise<Result>,
): Promise<Result> =>
  new Promise((resolve, reject) => {
    const expire = () => {
      if (!call.cancellation.cancel()) return false
      call.request.log.warn({ entry: call.entry }, 'the call took too long and was stopped')
      reject(refuse('deadline_exceeded', { retryAfterSeconds }))
      return true
    }
    const deadline = deadlines.begin({ expire }, seconds)
    run(deadline).then(
      (result) => {
        deadline.end()
        resolve(result)
      },
      (error: unknown) => {
        deadline.end()
        reject(error)
      },
    )
  })
