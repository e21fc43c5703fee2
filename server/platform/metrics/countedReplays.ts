import type { Transact } from '../../rpc/transaction.ts'
import type { Metrics } from './metrics.ts'

/** The same transactions; those whose answer had been kept from an earlier call are counted. */
export const countedReplays =
  (transact: Transact, { count }: Metrics): Transact =>
  async (frame, work) => {
    const answer = await transact(frame, work)
    if (frame.call.settled?.isReplay) count('tsforge_idempotent_replays_total')
    return answer
  }
