import { uuidv7 } from 'uuidv7'
import type { contract } from '../../../contract/index.ts'
import type { Db } from '../../../db/client.ts'
import { isOrphaned } from '../../../db/conflict.ts'
import type { Failure } from '../../rpc/failure.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { containing, lowestId, paginate } from '../../rpc/paging.ts'
import { beyondHolding } from './escalation.ts'
import { findPermissions } from './permissionQueries.ts'
import {
  addRolePermissions,
  countRoles,
  deleteRole,
  findRole,
  holdRole,
  insertRole,
  keepRolePermissions,
  listRolePermissions,
  listRoles,
  updateRole,
} from './roleQueries.ts'

export const roles: Handlers<typeof contract.roles> = {
  async list(call) {
    const { readAs, bucket, input } = call
    const filter = { bucket, pattern: containing(input.q) }
    return paginate(call, {
      name: ['roles.list', bucket, input.q],
      start: ['', lowestId],
      read: ([afterName, afterId], limit) => readAs((db) => listRoles(db, { ...filter, afterName, afterId, limit })),
      positionOf: ({ name, id }) => [name, id],
      count: () => readAs((db) => countRoles(db, filter)),
    })
  },

  async get({ readAs, bucket, input, fail }) {
    const [role] = await readAs((db) => findRole(db, { id: input.id, bucket }))
    return role ?? fail('rbac.role_not_found')
  },

  async create({ transaction, record, bucket, input, fail }) {
    const { code, name, description } = input
    return transaction(async (tx) => {
      const [role] = await insertRole(tx, { id: uuidv7(), bucket, code, name, description })
      if (!role) throw fail('rbac.role_code_taken')
      await record(tx, { topic: 'role.created', target: role.id, payload: role })
      return role
    })
  },

  async update(call) {
    const { transaction, record, bucket, input, fail } = call
    const { id, name, description } = input
    return transaction(async (tx) => {
      await holdChangeable(tx, call)
      const [role] = await updateRole(tx, { id, bucket, name, description })
      if (!role) throw fail('rbac.role_not_found')
      await record(tx, { topic: 'role.updated', target: id, payload: role })
      return role
    })
  },

  async delete(call) {
    const { transaction, record, bucket, input } = call
    return transaction(async (tx) => {
      await holdChangeable(tx, call)
      await deleteRole(tx, { id: input.id, bucket })
      await record(tx, { topic: 'role.deleted', target: input.id, payload: {} })
    })
  },

  async permissions({ readAs, bucket, input, fail }) {
    const key = { id: input.id, bucket }
    const [role] = await readAs((db) => findRole(db, key))
    return role ? readAs((db) => listRolePermissions(db, key)) : fail('rbac.role_not_found')
  },

  async setPermissions(call) {
    const { transaction, record, actor, bucket, input, fail } = call
    const ids = [...new Set(input.permission_ids)]
    const key = { id: input.id, bucket }
    return transaction(async (tx) => {
      await holdChangeable(tx, call)
      const wanted = await findPermissions(tx, { ids })
      if (wanted.length < ids.length) throw fail('rbac.permission_not_found')
      const present = new Set((await listRolePermissions(tx, key)).map(({ id }) => id))
      const added = wanted.filter(({ id }) => !present.has(id))
      const beyond = beyondHolding(
        actor,
        added.map(({ code }) => code),
      )
      if (beyond.length > 0) throw fail('rbac.escalation', { permissions: beyond })
      await keepRolePermissions(tx, { ...key, ids })
      await addRolePermissions(tx, { ...key, ids: added.map(({ id }) => id) }).catch((error: unknown) => {
        throw isOrphaned(error, permissionOfRole) ? fail('rbac.permission_not_found') : error
      })
      await record(tx, { topic: 'role.permissions_changed', target: input.id, payload: { permission_ids: ids } })
      return wanted
    })
  },
}

const permissionOfRole = 'role_permissions_permission_id_permissions_id_fk'

interface ChangeOfRole {
  readonly bucket: string
  readonly input: { readonly id: string }
  readonly fail: (code: 'rbac.role_not_found' | 'rbac.role_is_system') => Failure
}

/**
 * Holds the role of the call until the transaction ends. A global role is unknown to a change made in a tenant, though
 * it is seen there: it belongs to all tenants.
 */
const holdChangeable = async (tx: Db, { bucket, input, fail }: ChangeOfRole): Promise<void> => {
  const [role] = await holdRole(tx, { id: input.id, bucket })
  if (!role) throw fail('rbac.role_not_found')
  if (role.is_system) throw fail('rbac.role_is_system')
}
