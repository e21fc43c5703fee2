import type { Entry } from '../../contract/define.ts'
import type { Db } from '../../db/client.ts'
import type { Database } from '../../db/database.ts'
import type { OpenCall } from './procedure.ts'

/** What a transaction knows of the call it belongs to. */
export interface Frame {
  readonly rules: Entry
  readonly call: OpenCall
  /** The output schema: from what the handler returns to what goes over the wire. */
  readonly serialize: (answer: unknown) => unknown
}

export type Transact = <T>(frame: Frame, work: (tx: Db) => Promise<T>) => Promise<T>

/** Runs the one transaction of a call, in the bucket of the call. */
export const createTransact =
  (database: Database): Transact =>
  (_frame, work) =>
    database.transaction(work, { tenant: 'global' })
