import type { contract } from '../../../contract/index.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { highestId, paginate } from '../../rpc/paging.ts'
import { countSessions, endOtherSessions, endSession, listSessions } from './queries.ts'

export const sessions: Handlers<typeof contract.sessions> = {
  async list(call) {
    const { db, actor } = call
    return paginate(call, {
      name: ['sessions.list', actor.userId],
      start: ['infinity', highestId],
      async read([lastUsedAt, id], limit) {
        const rows = await listSessions(db, { userId: actor.userId, lastUsedAt, id, limit })
        return rows.map((row) => ({ ...row, current: row.id === actor.credentialId }))
      },
      positionOf: (session) => [session.last_used_at.toISOString(), session.id],
      count: () => countSessions(db, { userId: actor.userId }),
    })
  },

  async revoke({ transaction, record, actor, input, fail }) {
    return transaction(async (tx) => {
      const [ended] = await endSession(tx, { id: input.id, userId: actor.userId })
      if (!ended) throw fail('session.not_found')
      await record(tx, { topic: 'session.ended', target: ended.id, payload: { reason: 'revoked' } })
    })
  },

  async revokeOthers({ transaction, record, actor }) {
    return transaction(async (tx) => {
      const { length: ended } = await endOtherSessions(tx, { userId: actor.userId, keep: actor.credentialId })
      if (ended > 0) await record(tx, { topic: 'session.others_ended', target: actor.userId, payload: { ended } })
      return { revoked: ended }
    })
  },
}
