import { uuidv7 } from 'uuidv7'
import type { contract } from '../../../contract/index.ts'
import { permissions as named } from '../../../contract/vocabulary.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { containing, paginate } from '../../rpc/paging.ts'
import {
  countPermissions,
  deletePermission,
  findPermission,
  grantToAdmins,
  insertPermission,
  listPermissions,
  updatePermission,
} from './permissionQueries.ts'

export const permissions: Handlers<typeof contract.permissions> = {
  async list(call) {
    const { db, input } = call
    const filter = { resource: input.resource || null, pattern: containing(input.q) }
    return paginate(call, {
      name: ['permissions.list', input.resource, input.q],
      start: ['', ''],
      read: ([afterResource, afterCode], limit) => listPermissions(db, { ...filter, afterResource, afterCode, limit }),
      positionOf: ({ resource, code }) => [resource, code],
      count: () => countPermissions(db, filter),
    })
  },

  async get({ db, input, fail }) {
    const [permission] = await findPermission(db, { id: input.id })
    return permission ?? fail('rbac.permission_not_found')
  },

  async create({ transaction, record, input, fail }) {
    const id = uuidv7()
    return transaction(async (tx) => {
      const [permission] = await insertPermission(tx, { id, ...input })
      if (!permission) throw fail('rbac.permission_code_taken')
      await grantToAdmins(tx, { id })
      await record(tx, { topic: 'permission.created', target: id, payload: permission })
      return permission
    })
  },

  async update({ transaction, record, input, fail }) {
    const { id, resource, action, description } = input
    return transaction(async (tx) => {
      const [permission] = await updatePermission(tx, { id, resource, action, description })
      if (!permission) throw fail('rbac.permission_not_found')
      await record(tx, { topic: 'permission.updated', target: id, payload: permission })
      return permission
    })
  },

  async delete({ transaction, record, input, fail }) {
    return transaction(async (tx) => {
      const [deleted] = await deletePermission(tx, { id: input.id })
      if (!deleted) throw fail('rbac.permission_not_found')
      // Without it nobody could call the entries that ask for it until the next migration step puts it back.
      if (Object.hasOwn(named, deleted.code)) throw fail('rbac.permission_is_system')
      await record(tx, { topic: 'permission.deleted', target: input.id, payload: deleted })
    })
  },
}
