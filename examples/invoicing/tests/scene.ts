import { randomUUID } from 'node:crypto'
import type { Scene, Work } from '../../../tests/support/scenes.ts'

const body = () => ({ number: randomUUID(), customer: 'Ada', lines: [{ text: 'Work', quantity: 2, unit_cents: 500 }] })
const draft = ({ make }: Work) => make('/invoices', body())

/** What the laws of the project must know of this module. */
export const scene: Scene = {
  module: 'invoices',
  behindTheScene: ['invoice.delivered', 'invoice.overdue'],
  async furnish({ tenantId: tenant_id, canary, insert }) {
    const [first, second] = [randomUUID(), randomUUID()]
    for (const id of [first, second]) {
      await insert('invoices', {
        id,
        tenant_id,
        number: `${canary}-${id}`,
        customer: `${canary}-customer`,
        total_cents: 100,
      })
      const line = { text: `${canary}-text`, quantity: 1, unit_cents: 100 }
      await insert('invoice_lines', { id: randomUUID(), tenant_id, invoice_id: id, position: 0, ...line })
    }
    return { invoices: [first, second] }
  },
  deeds: {
    'invoices.create': ['invoice.created', async () => ({ method: 'POST', path: '/invoices', body: body() })],
    'invoices.send': [
      'invoice.sent',
      async (work) => ({ method: 'POST', path: `/invoices/${await draft(work)}/send` }),
    ],
    'invoices.delete': [
      'invoice.deleted',
      async (work) => ({ method: 'DELETE', path: `/invoices/${await draft(work)}` }),
    ],
  },
}
