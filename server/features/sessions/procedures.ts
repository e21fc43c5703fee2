import type { contract } from '../../../contract/index.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { countSessions, endOtherSessions, endSession, listSessions } from './queries.ts'

/** The position before the first row of the list. */
const start = ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] as const

export const sessions: Handlers<typeof contract.sessions> = {
  async list({ db, actor, input, cursors, fail }) {
    const list = `sessions.list:${actor.userId}`
    const position = input.cursor === undefined ? start : cursors.read(list, input.cursor)
    if (!position) throw fail('cursor.invalid')
    const [lastUsedAt, id] = position
    const rows = await listSessions(db, { userId: actor.userId, lastUsedAt, id, limit: input.limit + 1 })
    const items = rows.slice(0, input.limit).map((row) => ({ ...row, current: row.id === actor.credentialId }))
    const last = rows.length > input.limit ? items.at(-1) : undefined
    return {
      items,
      next_cursor: last ? cursors.write(list, [last.last_used_at.toISOString(), last.id]) : null,
      ...(input.total ? { total: (await countSessions(db, { userId: actor.userId }))[0]?.total ?? 0 } : {}),
    }
  },

  async revoke({ transaction, actor, input, fail }) {
    return transaction(async (tx) => {
      const [ended] = await endSession(tx, { id: input.id, userId: actor.userId })
      if (!ended) throw fail('session.not_found')
    })
  },

  async revokeOthers({ transaction, actor }) {
    return transaction(async (tx) => {
      const ended = await endOtherSessions(tx, { userId: actor.userId, keep: actor.credentialId })
      return { revoked: ended.length }
    })
  },
}
