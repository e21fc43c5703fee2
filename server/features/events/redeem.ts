import type { Db } from '../../../db/client.ts'
import type { FindAgain, RedeemTicket } from '../../rpc/gates.ts'
import { takeTicket } from './queries.ts'
import { hashTicket, mayBeTicket } from './ticket.ts'

/** A ticket is good once, and only while the session or the key that asked for it is. */
export const createRedeemTicket =
  (db: Db, findAgain: FindAgain): RedeemTicket =>
  async (ticket) => {
    if (!mayBeTicket(ticket)) return undefined
    const [taken] = await takeTicket(db, { hash: hashTicket(ticket) })
    if (!taken) return undefined
    const identity = await findAgain({ kind: taken.kind, credentialId: taken.credential_id })
    return identity?.userId === taken.user_id ? { ...identity, ticketBucket: taken.bucket } : undefined
  }
