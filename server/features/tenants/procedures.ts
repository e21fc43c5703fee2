import { uuidv7 } from 'uuidv7'
import type { contract } from '../../../contract/index.ts'
import { isConflict } from '../../../db/conflict.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { lowestId, paginate } from '../../rpc/paging.ts'
import {
  countMembers,
  countTenants,
  deleteGrants,
  deleteMember,
  deleteTenant,
  findMember,
  findOtherOwner,
  findPerson,
  findTenant,
  insertMember,
  insertTenant,
  listMembers,
  listTenants,
  lockMembership,
  passOwnership,
  updateTenant,
} from './queries.ts'

/**
 * Membership is looked up inside the transaction, so that a repeated call is answered by its Idempotency-Key also when
 * the first one ended the membership. A stranger is told what they would be told of a tenant that does not exist.
 */
export const tenants: Handlers<typeof contract.tenants> = {
  async list(call) {
    const { readAs, actor } = call
    const { userId } = actor
    return paginate(call, {
      name: ['tenants.list', userId],
      start: [''],
      read: ([slug], limit) => readAs((db) => listTenants(db, { userId, slug, limit })),
      positionOf: ({ slug }) => [slug],
      count: () => readAs((db) => countTenants(db, { userId })),
    })
  },

  async create({ transaction, record, actor, input, fail }) {
    const bucket = uuidv7()
    return transaction(async (tx) => {
      const [tenant] = await insertTenant(tx, { bucket, slug: input.slug, name: input.name })
      if (!tenant) throw fail('tenant.slug_taken')
      await insertMember(tx, { bucket, userId: actor.userId, isOwner: true })
      await record(tx, { topic: 'tenant.created', target: bucket, payload: tenant })
      return tenant
    }, bucket)
  },

  async get({ readAs, actor, bucket, fail }) {
    const [tenant] = await readAs((db) => findTenant(db, { bucket, userId: actor.userId }))
    if (!tenant) throw fail('tenant.not_found')
    return tenant
  },

  async update({ transaction, record, actor, bucket, input, fail }) {
    return transaction(async (tx) => {
      const [me] = await lockMembership(tx, { bucket, userId: actor.userId })
      if (!me) throw fail('tenant.not_found')
      if (!me.is_owner) throw fail('tenant.forbidden')
      const changes = { name: input.name ?? null, slug: input.slug ?? null }
      const updating = updateTenant(tx, { bucket, ...changes })
      const [tenant] = await updating.catch((error: unknown) => {
        throw isConflict(error, 'tenants_slug_unique') ? fail('tenant.slug_taken') : error
      })
      if (!tenant) throw fail('tenant.not_found')
      await record(tx, { topic: 'tenant.updated', target: bucket, payload: tenant })
      return tenant
    })
  },

  async delete({ transaction, record, actor, bucket, fail }) {
    return transaction(async (tx) => {
      const [me] = await lockMembership(tx, { bucket, userId: actor.userId })
      if (!me) throw fail('tenant.not_found')
      if (!me.is_owner) throw fail('tenant.forbidden')
      await deleteTenant(tx, { bucket })
      await record(tx, { topic: 'tenant.deleted', target: bucket, payload: {} })
    })
  },

  async leave({ transaction, record, actor, bucket, fail }) {
    const me = { bucket, userId: actor.userId }
    return transaction(async (tx) => {
      const [membership] = await lockMembership(tx, me)
      if (!membership) throw fail('tenant.not_found')
      const [other] = membership.is_owner ? await findOtherOwner(tx, me) : [me]
      if (!other) throw fail('tenant.last_owner')
      await deleteMember(tx, me)
      await deleteGrants(tx, me)
      await record(tx, { topic: 'tenant.member_left', target: bucket, payload: { user_id: me.userId } })
    })
  },

  async transfer({ transaction, record, actor, bucket, input, fail }) {
    return transaction(async (tx) => {
      const [me] = await lockMembership(tx, { bucket, userId: actor.userId })
      if (!me) throw fail('tenant.not_found')
      if (!me.is_owner) throw fail('tenant.forbidden')
      const [heir] = await findMember(tx, { bucket, userId: input.user_id })
      if (!heir) throw fail('user.not_found')
      await passOwnership(tx, { bucket, from: actor.userId, to: input.user_id })
      await record(tx, { topic: 'tenant.transferred', target: bucket, payload: { user_id: input.user_id } })
    })
  },

  async members(call) {
    const { readAs, actor, bucket, fail } = call
    const me = { bucket, userId: actor.userId }
    const [tenant] = await readAs((db) => findTenant(db, me))
    if (!tenant) throw fail('tenant.not_found')
    return paginate(call, {
      name: ['tenants.members', bucket],
      start: ['-infinity', lowestId],
      read: ([joinedAt, memberId], limit) => readAs((db) => listMembers(db, { ...me, joinedAt, memberId, limit })),
      positionOf: ({ joined_at, user_id }) => [joined_at.toISOString(), user_id],
      count: () => readAs((db) => countMembers(db, me)),
    })
  },

  async addMember({ transaction, record, actor, bucket, input, fail }) {
    return transaction(async (tx) => {
      const [me] = await lockMembership(tx, { bucket, userId: actor.userId })
      if (!me) throw fail('tenant.not_found')
      if (!me.is_owner) throw fail('tenant.forbidden')
      const [person] = await findPerson(tx, { email: input.email })
      if (!person) throw fail('user.not_found')
      const [member] = await insertMember(tx, { bucket, userId: person.id, isOwner: false })
      if (!member) throw fail('tenant.already_member')
      const about = { target: bucket, person: person.id, payload: { user_id: person.id } }
      await record(tx, { topic: 'tenant.member_added', ...about })
      return { ...member, email: person.email, name: person.name }
    })
  },

  async removeMember({ transaction, record, actor, bucket, input, fail }) {
    const target = { bucket, userId: input.user_id }
    return transaction(async (tx) => {
      const [me] = await lockMembership(tx, { bucket, userId: actor.userId })
      if (!me) throw fail('tenant.not_found')
      if (!me.is_owner) throw fail('tenant.forbidden')
      const [member] = await findMember(tx, target)
      if (!member) throw fail('user.not_found')
      const [other] = member.is_owner ? await findOtherOwner(tx, target) : [target]
      if (!other) throw fail('tenant.last_owner')
      await deleteMember(tx, target)
      await deleteGrants(tx, target)
      const about = { target: bucket, person: input.user_id, payload: { user_id: input.user_id } }
      await record(tx, { topic: 'tenant.member_removed', ...about })
    })
  },
}
