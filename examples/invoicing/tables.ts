import { bigint, date, index, integer, pgEnum, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { moment } from '../../db/schema/columns.ts'
import { tenants } from '../../db/schema/tenants.ts'

export const invoiceStatus = pgEnum('invoice_status', ['draft', 'sent', 'overdue'])

export const invoices = pgTable(
  'invoices',
  {
    id: uuid().primaryKey(),
    tenant_id: uuid()
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    number: text().notNull(),
    customer: text().notNull(),
    status: invoiceStatus().notNull().default('draft'),
    due_on: date({ mode: 'string' }),
    /** The sum of the lines, kept beside them so that lists need not add up. */
    total_cents: bigint({ mode: 'number' }).notNull(),
    delivered_at: moment(),
    created_at: moment().notNull().defaultNow(),
    updated_at: moment().notNull().defaultNow(),
  },
  (table) => [
    unique('invoices_number_unique').on(table.tenant_id, table.number),
    index('invoices_by_tenant').on(table.tenant_id, table.id),
    index('invoices_due').on(table.due_on),
  ],
)

export const invoiceLines = pgTable(
  'invoice_lines',
  {
    id: uuid().primaryKey(),
    tenant_id: uuid()
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    invoice_id: uuid()
      .notNull()
      .references(() => invoices.id, { onDelete: 'cascade' }),
    position: integer().notNull(),
    text: text().notNull(),
    quantity: integer().notNull(),
    unit_cents: bigint({ mode: 'number' }).notNull(),
    created_at: moment().notNull().defaultNow(),
  },
  (table) => [
    index('invoice_lines_by_invoice').on(table.invoice_id, table.position),
    index('invoice_lines_by_tenant').on(table.tenant_id),
  ],
)
