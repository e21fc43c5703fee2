import { uuidv7 } from 'uuidv7'
import type { Db } from '../../db/client.ts'
import type { Failure } from '../../server/rpc/failure.ts'
import type { Handlers } from '../../server/rpc/handlers.ts'
import { containing, highestId, paginate } from '../../server/rpc/paging.ts'
import type { invoices as contract } from './contract.ts'
import {
  countInvoices,
  deleteInvoice,
  findInvoice,
  holdInvoice,
  insertInvoice,
  insertLines,
  listInvoices,
  listLines,
  markSent,
} from './queries.ts'

export const invoices: Handlers<typeof contract.entries> = {
  async list(call) {
    const { readAs, bucket, input } = call
    const { q, status = null, due_before: dueBefore = null } = input
    const filter = { bucket, pattern: containing(q), status, dueBefore }
    return paginate(call, {
      name: ['invoices.list', bucket, q, status ?? '', dueBefore ?? ''],
      start: [highestId],
      read: ([beforeId], limit) => readAs((db) => listInvoices(db, { ...filter, beforeId, limit })),
      positionOf: ({ id }) => [id],
      count: () => readAs((db) => countInvoices(db, filter)),
    })
  },

  async get({ readAs, bucket, input: { id }, fail }) {
    const [invoice] = await readAs((db) => findInvoice(db, { id, bucket }))
    if (!invoice) throw fail('invoices.not_found')
    return { ...invoice, lines: await readAs((db) => listLines(db, { id, bucket })) }
  },

  async create({ transaction, record, bucket, input, fail }) {
    if (bucket === 'global') throw fail('invoices.tenant_required')
    const { number, lines } = input
    const id = uuidv7()
    const totalCents = lines.reduce((sum, { quantity, unit_cents }) => sum + quantity * unit_cents, 0)
    return transaction(async (tx) => {
      const [invoice] = await insertInvoice(tx, { ...input, id, bucket, totalCents })
      if (!invoice) throw fail('invoices.number_taken')
      const numbered = lines.map((line, position) => ({ ...line, position }))
      if (lines.length > 0) await insertLines(tx, { id, bucket, lines: JSON.stringify(numbered) })
      await record(tx, { topic: 'invoice.created', target: id, payload: { number } })
      return { ...invoice, lines }
    })
  },

  async send({ transaction, record, bucket, input: { id }, fail }) {
    return transaction(async (tx) => {
      await requireDraft(tx, { id, bucket }, fail)
      const [invoice] = await markSent(tx, { id, bucket })
      if (!invoice) throw fail('invoices.not_found')
      await record(tx, { topic: 'invoice.sent', target: id, payload: invoice })
      return invoice
    })
  },

  async delete({ transaction, record, bucket, input: { id }, fail }) {
    return transaction(async (tx) => {
      const { number } = await requireDraft(tx, { id, bucket }, fail)
      await deleteInvoice(tx, { id, bucket })
      await record(tx, { topic: 'invoice.deleted', target: id, payload: { number } })
    })
  },
}

/** The invoice as it stays until the end of the transaction. */
const requireDraft = async (
  tx: Db,
  place: { id: string; bucket: string },
  fail: (code: 'invoices.not_found' | 'invoices.not_a_draft') => Failure,
) => {
  const [invoice] = await holdInvoice(tx, place)
  if (!invoice) throw fail('invoices.not_found')
  if (invoice.status !== 'draft') throw fail('invoices.not_a_draft')
  return invoice
}
