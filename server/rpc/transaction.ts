import type { Entry } from '../../contract/define.ts'
import type { Db } from '../../db/client.ts'
import { isTenantGone } from '../../db/conflict.ts'
import type { Database } from '../../db/database.ts'
import { TransactionAborted } from '../../db/transaction.ts'
import type { Seal } from '../platform/seal.ts'
import { Failure, refuse } from './failure.ts'
import { claimKey, keepForReplay, wantsReplay } from './idempotency.ts'
import type { OpenCall } from './procedure.ts'

/** What a transaction knows of the call it belongs to. */
export interface Frame {
  readonly rules: Entry
  readonly call: OpenCall
  /** The output schema: from what the handler returns to what goes over the wire. */
  readonly serialize: (answer: unknown) => unknown
}

/** Notes that a person changed something, as the last statement of the transaction. */
export type NoteWrite = (tx: Db, person: { readonly personId: string }) => Promise<unknown>

export type Transact = <T>(frame: Frame, work: (tx: Db) => Promise<T>) => Promise<T>

/**
 * Runs the one transaction of a call. With an Idempotency-Key it begins by claiming the key and ends by keeping the
 * answer; an earlier answer takes the place of the work. Only a success is kept: a failure may be tried again.
 * `onRecorded` is told when events were committed; `noteWrite` is there when reads may come from a replica.
 */
export const createTransact =
  (database: Database, seal: Seal, onRecorded: () => void, noteWrite?: NoteWrite): Transact =>
  (frame, work) => {
    let noted: Promise<unknown> | undefined
    const note = (tx: Db) => {
      const { actor } = frame.call
      noted = noteWrite && actor ? noteWrite(tx, { personId: actor.userId }) : undefined
      // The COMMIT follows on the same connection and comes to nothing when it fails; until then nobody listens.
      noted?.catch(() => {})
    }
    const running = database.transaction(
      async (tx) => {
        // The work may run again.
        frame.call.recordings = []
        if (!wantsReplay(frame)) {
          const answer = await work(tx)
          note(tx)
          return answer
        }
        const isFirst = await claimKey(tx, frame, seal)
        if (!isFirst) return undefined as Awaited<ReturnType<typeof work>>
        const answer = await work(tx)
        if (!(answer instanceof Failure)) await keepForReplay(tx, { ...frame, seal }, answer)
        note(tx)
        return answer
      },
      { tenant: frame.call.bucket, person: frame.call.actor?.userId },
      frame.call.cancellation,
    )
    return running.then(
      (answer) => {
        if (frame.call.recordings.length > 0) onRecorded()
        return answer
      },
      async (error: unknown) => {
        // Why a COMMIT came to nothing is known by the event that was sent before it.
        if (error instanceof TransactionAborted) await Promise.all([...frame.call.recordings, noted])
        // Deleted while the call ran: what every later call is told.
        throw isTenantGone(error) ? refuse('tenant.forbidden', { cause: error }) : error
      },
    )
  }
