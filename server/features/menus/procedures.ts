import { uuidv7 } from 'uuidv7'
import type { contract } from '../../../contract/index.ts'
import type { Db } from '../../../db/client.ts'
import type { Failure } from '../../rpc/failure.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { lowestId, paginate } from '../../rpc/paging.ts'
import { invalidFields } from '../../rpc/validation.ts'
import {
  allEntries,
  countEntries,
  deleteEntry,
  entriesFor,
  findEntry,
  findParent,
  insertEntry,
  listEntries,
  lockTree,
  measureBelow,
  updateEntry,
} from './queries.ts'
import { isShown, levelsMax, nest, overlay } from './tree.ts'

export const menus: Handlers<typeof contract.menus> = {
  async mine({ readAs, actor: { permissions }, bucket }) {
    const entries = await readAs((db) => entriesFor(db, { bucket, permissions: [...permissions] }))
    return nest(overlay(entries).filter(isShown(permissions)))
  },

  async list(call) {
    const { readAs, bucket } = call
    return paginate(call, {
      name: ['menus.list', bucket],
      start: ['', lowestId],
      read: ([code, id], limit) => readAs((db) => listEntries(db, { bucket, code, id, limit })),
      positionOf: ({ code, id }) => [code, id],
      count: () => readAs((db) => countEntries(db, { bucket })),
    })
  },

  async tree({ readAs, bucket }) {
    return nest(overlay(await readAs((db) => allEntries(db, { bucket }))))
  },

  async get({ readAs, input, bucket, fail }) {
    const [entry] = await readAs((db) => findEntry(db, { id: input.id, bucket }))
    if (!entry) throw fail('menu.not_found')
    return entry
  },

  async create({ transaction, record, input, bucket, fail }) {
    const parentId = input.parent_id ?? null
    return transaction(async (tx) => {
      if (parentId !== null) {
        const { line } = await requireParent(tx, { id: parentId, bucket }, fail)
        requireRoom(line.length + 1)
      }
      const [entry] = await insertEntry(tx, { ...input, id: uuidv7(), parentId, bucket })
      if (!entry) throw fail('menu.code_taken')
      await record(tx, { topic: 'menu.created', target: entry.id, payload: entry })
      return entry
    })
  },

  async update({ transaction, record, input, bucket, fail }) {
    const { id } = input
    const parentId = input.unset_parent ? null : (input.parent_id ?? null)
    return transaction(async (tx) => {
      if (parentId !== null) {
        const { line } = await requireParent(tx, { id: parentId, bucket }, fail)
        const [below] = await measureBelow(tx, { id, bucket })
        if (!below) throw fail('menu.not_found')
        if (line.includes(id)) throw fail('menu.cycle')
        requireRoom(line.length + 1 + below.levels)
      }
      const [entry] = await updateEntry(tx, {
        id,
        bucket,
        parentId,
        unsetParent: input.unset_parent ?? false,
        label: input.label ?? null,
        icon: input.icon ?? null,
        path: input.path ?? null,
        sortOrder: input.sort_order ?? null,
        permission: input.required_permission_code ?? null,
        unsetPermission: input.unset_required_permission ?? false,
        isVisible: input.is_visible ?? null,
        metadata: input.metadata === undefined ? null : JSON.stringify(input.metadata),
      })
      if (!entry) throw fail('menu.not_found')
      await record(tx, { topic: 'menu.updated', target: id, payload: entry })
      return entry
    })
  },

  async delete({ transaction, record, input: { id, cascade }, bucket, fail }) {
    return transaction(async (tx) => {
      await lockTree(tx, { bucket })
      const [below] = await measureBelow(tx, { id, bucket })
      if (!below) throw fail('menu.not_found')
      if (below.entries > 0 && !cascade) throw fail('menu.has_children', { children: below.entries })
      const [deleted] = await deleteEntry(tx, { id, bucket })
      if (!deleted) throw fail('menu.not_found')
      await record(tx, { topic: 'menu.deleted', target: id, payload: {} })
    })
  },
}

/** The entry of the bucket to stand below; the tree stays as it is until the end of the transaction. */
const requireParent = async (
  tx: Db,
  { id, bucket }: { id: string; bucket: string },
  fail: (code: 'menu.not_found' | 'menu.parent_tenant_mismatch') => Failure,
) => {
  await lockTree(tx, { bucket })
  const [parent] = await findParent(tx, { id, bucket })
  if (!parent) throw fail('menu.not_found')
  if ((parent.tenant_id ?? 'global') !== bucket) throw fail('menu.parent_tenant_mismatch')
  return parent
}

const requireRoom = (levels: number) => {
  if (levels > levelsMax) throw invalidFields({ parent_id: `must not take the tree beyond ${levelsMax} levels` })
}
