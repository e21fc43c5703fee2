import type { contract } from '../../../contract/index.ts'
import { isOrphaned } from '../../../db/conflict.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { containing, highestId, paginate } from '../../rpc/paging.ts'
import { isLastAdmin } from '../access/administrators.ts'
import { beyondHolding } from '../access/escalation.ts'
import { explain } from '../access/explain.ts'
import { addGrants, keepGrants, listGrantedRoles, listSources } from '../access/grantQueries.ts'
import { findRoles, listCodesOfRoles } from '../access/roleQueries.ts'
import { endAllSessions } from '../sessions/queries.ts'
import { disableUser, enableUser, peopleOf } from './queries.ts'

export const users: Handlers<typeof contract.users> = {
  async list(call) {
    const { readAs, bucket, input } = call
    const people = peopleOf(bucket)
    const filter = { bucket, pattern: containing(input.q) }
    return paginate(call, {
      name: ['users.list', bucket, input.q],
      start: [highestId],
      read: ([beforeId], limit) => readAs((db) => people.list(db, { ...filter, beforeId, limit })),
      positionOf: ({ id }) => [id],
      count: () => readAs((db) => people.count(db, filter)),
    })
  },

  async get({ readAs, bucket, input, fail }) {
    const [user] = await readAs((db) => peopleOf(bucket).find(db, { id: input.id, bucket }))
    return user ?? fail('user.not_found')
  },

  async disable({ transaction, record, bucket, input, fail }) {
    const { id } = input
    return transaction(async (tx) => {
      const [person] = await peopleOf(bucket).hold(tx, { id, bucket })
      if (!person) throw fail('user.not_found')
      if (await isLastAdmin(tx, id)) throw fail('user.last_admin')
      await endAllSessions(tx, { userId: id })
      const [user] = await disableUser(tx, { id })
      if (!user) throw fail('user.not_found')
      await record(tx, { topic: 'user.disabled', target: id, person: id, payload: {} })
      return user
    })
  },

  async enable({ transaction, record, input, fail }) {
    const { id } = input
    return transaction(async (tx) => {
      const [user] = await enableUser(tx, { id })
      if (!user) throw fail('user.not_found')
      await record(tx, { topic: 'user.enabled', target: id, person: id, payload: {} })
      return user
    })
  },

  async roles({ readAs, bucket, input, fail }) {
    const [person] = await readAs((db) => peopleOf(bucket).find(db, { id: input.id, bucket }))
    if (!person) return fail('user.not_found')
    return readAs((db) => listGrantedRoles(db, { userId: input.id, bucket }))
  },

  async setRoles({ transaction, record, actor, bucket, input, fail }) {
    const userId = input.id
    const ids = [...new Set(input.role_ids)]
    return transaction(async (tx) => {
      const [person] = await peopleOf(bucket).hold(tx, { id: userId, bucket })
      if (!person) throw fail('user.not_found')
      const wanted = await findRoles(tx, { ids, bucket })
      if (wanted.length < ids.length) throw fail('rbac.role_not_found')
      const present = await listGrantedRoles(tx, { userId, bucket })
      const added = missingFrom(present, wanted)
      const handedOut = await listCodesOfRoles(tx, { ids: added, bucket })
      const beyond = beyondHolding(
        actor,
        handedOut.map(({ code }) => code),
      )
      if (beyond.length > 0) throw fail('rbac.escalation', { permissions: beyond })
      const losesSystemRole = present.some(({ id, is_system }) => is_system && !ids.includes(id))
      if (bucket === 'global' && losesSystemRole && (await isLastAdmin(tx, userId))) throw fail('user.last_admin')
      await keepGrants(tx, { userId, ids, bucket })
      await addGrants(tx, { userId, ids: added, bucket }).catch((error: unknown) => {
        throw isOrphaned(error, roleOfGrant) ? fail('rbac.role_not_found') : error
      })
      await record(tx, { topic: 'user.roles_changed', target: userId, person: userId, payload: { role_ids: ids } })
      return wanted
    })
  },

  async access({ readAs, bucket, input, fail }) {
    const [person] = await readAs((db) => peopleOf(bucket).find(db, { id: input.id, bucket }))
    if (!person) return fail('user.not_found')
    return { permissions: explain(await readAs((db) => listSources(db, { userId: input.id, bucket }))) }
  },
}

const roleOfGrant = 'user_roles_role_id_roles_id_fk'

interface Identified {
  readonly id: string
}

/** The ids among `wanted` that are not present yet. */
const missingFrom = (present: readonly Identified[], wanted: readonly Identified[]): string[] => {
  const known = new Set(present.map(({ id }) => id))
  return wanted.filter(({ id }) => !known.has(id)).map(({ id }) => id)
}
