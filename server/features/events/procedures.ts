import type { contract } from '../../../contract/index.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { insertTicket } from './queries.ts'
import { newTicket, ticketSeconds } from './ticket.ts'

export const events: Handlers<typeof contract.events> = {
  async stream({ streams, permissionsNow, actor, bucket, input }) {
    const viewer = { userId: actor.userId, bucket, topics: input.topics ?? [] }
    const readAccess = async () => {
      const permissions = await permissionsNow(actor, bucket)
      return permissions && { seesBucket: permissions.has('events.read') }
    }
    return streams.open(viewer, readAccess, input.last_event_id)
  },

  async ticket({ transaction, record, actor, bucket }) {
    const { ticket, hash } = newTicket()
    const { userId, credentialId, kind } = actor
    return transaction(async (tx) => {
      const [made] = await insertTicket(tx, {
        hash,
        userId,
        credentialId,
        kind,
        openedIn: bucket,
        seconds: ticketSeconds,
      })
      if (!made) throw new Error('the ticket was not stored')
      await record(tx, { topic: 'stream.ticket_issued', target: userId, payload: {} })
      return { ticket, expires_at: made.expires_at }
    })
  },
}
