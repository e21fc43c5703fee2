import { sql } from 'drizzle-orm'
import { consumer } from '../../server/platform/consumers/consumer.ts'
import { batchSize } from '../../server/platform/duties/batches.ts'
import type { Duty } from '../../server/platform/duties/duty.ts'
import { defineModule } from '../../server/rpc/module.ts'
import { invoices as contract } from './contract.ts'
import { migrations } from './migrations.ts'
import { invoices as handlers } from './procedures.ts'
import { countUndelivered, markDelivered } from './queries.ts'
import { invoiceLines, invoices as table } from './tables.ts'

/** Hands over what was sent. A real one would send an e-mail here, with the event's id as its message id. */
const deliver = consumer({
  name: 'invoices.deliver',
  topics: ['invoice.sent'],
  from: 'start',
  async handle({ target: id, tenant_id: tenantId }, { transaction, record }) {
    await transaction(async (tx) => {
      const [delivered] = await markDelivered(tx, { id, tenantId })
      if (delivered) await record(tx, { topic: 'invoice.delivered', target: id, payload: {} })
    })
  },
})

/** Once a day, for all tenants. */
const markOverdue: Duty = {
  name: 'invoices.markOverdue',
  schedule: '15 3 * * *',
  async run({ database: { db }, signal }) {
    let overdue = 0
    for (let marked = batchSize; marked === batchSize && !signal.aborted; overdue += marked) {
      const { rows } = await db.execute<{ marked: number }>(sql`select mark_overdue_invoices(${batchSize}) as marked`)
      marked = rows[0]?.marked ?? 0
    }
    return { overdue }
  },
}

export const invoices = defineModule({
  name: 'invoices',
  contract: contract.entries,
  handlers,
  needs: ['tenants', 'menus'],
  tables: [table, invoiceLines],
  migrations,
  menus: [
    {
      code: 'invoices',
      label: 'Invoices',
      path: '/invoices',
      sort_order: 50,
      required_permission_code: 'invoices.manage',
    },
  ],
  consumers: [deliver],
  duties: [markOverdue],
  async health({ database: { db } }) {
    const [given] = await countUndelivered(db, { consumer: deliver.name })
    const total = given?.total ?? 0
    return total === 0
      ? undefined
      : `${total} invoices were not delivered; see: npm run forge -- events show ${deliver.name}`
  },
})
