import { and, asc, desc, eq, ilike, lt, sql } from 'drizzle-orm'
import { bucketId, inBucket } from '../../db/bucket.ts'
import { eventDeadLetters } from '../../db/schema/events.ts'
import { statement } from '../../db/statement.ts'
import { invoiceLines, invoices } from './tables.ts'

const { placeholder } = sql

const isOurs = inBucket(invoices.tenant_id)
const isAsked = and(eq(invoices.id, placeholder('id')), isOurs)

/** Filters that are left out are null. */
const isWanted = and(
  isOurs,
  ilike(invoices.customer, placeholder('pattern')),
  sql`(${placeholder('status')}::invoice_status is null or ${invoices.status} = ${placeholder('status')}::invoice_status)`,
  sql`(${placeholder('dueBefore')}::date is null or ${invoices.due_on} < ${placeholder('dueBefore')}::date)`,
)

/** Behind an id, the newest first. */
export const listInvoices = statement('invoices.list', (db) =>
  db
    .select()
    .from(invoices)
    .where(and(isWanted, lt(invoices.id, placeholder('beforeId'))))
    .orderBy(desc(invoices.id))
    .limit(placeholder('limit')),
)

export const countInvoices = statement('invoices.count', (db) =>
  db.select({ total: sql<number>`count(*)::int` }).from(invoices).where(isWanted),
)

/** No row: there is no such invoice here. */
export const findInvoice = statement('invoices.find', (db) => db.select().from(invoices).where(isAsked))

/** Keeps the invoice as it is until the transaction ends. */
export const holdInvoice = statement('invoices.hold', (db) => db.select().from(invoices).where(isAsked).for('update'))

export const listLines = statement('invoices.lines', (db) =>
  db
    .select()
    .from(invoiceLines)
    .where(and(eq(invoiceLines.invoice_id, placeholder('id')), inBucket(invoiceLines.tenant_id)))
    .orderBy(asc(invoiceLines.position)),
)

/** No row: the number is taken. */
export const insertInvoice = statement('invoices.insert', (db) =>
  db
    .insert(invoices)
    .values({
      id: placeholder('id'),
      tenant_id: bucketId(),
      number: placeholder('number'),
      customer: placeholder('customer'),
      due_on: placeholder('due_on'),
      total_cents: placeholder('totalCents'),
    })
    .onConflictDoNothing({ target: [invoices.tenant_id, invoices.number] })
    .returning(),
)

/** `lines` is JSON: one statement, however many there are. */
export const insertLines = statement('invoices.insertLines', (db) =>
  db.insert(invoiceLines).select(
    sql`select gen_random_uuid(), ${bucketId()}, ${placeholder('id')}::uuid, line.position, line.text, line.quantity,
        line.unit_cents, now()
      from jsonb_to_recordset(${placeholder('lines')}::jsonb)
        as line (position integer, text text, quantity integer, unit_cents bigint)`,
  ),
)

export const markSent = statement('invoices.markSent', (db) =>
  db.update(invoices).set({ status: 'sent', updated_at: sql`now()` }).where(isAsked).returning(),
)

/** No row: it was delivered before, or is gone. */
export const markDelivered = statement('invoices.markDelivered', (db) =>
  db
    .update(invoices)
    .set({ delivered_at: sql`now()` })
    .where(
      and(
        eq(invoices.id, placeholder('id')),
        eq(invoices.tenant_id, placeholder('tenantId')),
        sql`${invoices.delivered_at} is null`,
      ),
    )
    .returning({ id: invoices.id }),
)

export const deleteInvoice = statement('invoices.delete', (db) => db.delete(invoices).where(isAsked))

/** Invoices that were given up. */
export const countUndelivered = statement('invoices.countUndelivered', (db) =>
  db
    .select({ total: sql<number>`count(*)::int` })
    .from(eventDeadLetters)
    .where(eq(eventDeadLetters.consumer, placeholder('consumer'))),
)
