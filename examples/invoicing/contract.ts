import { z } from 'zod'
import { extend } from '../../contract/core.ts'
import type { ContractModule } from '../../contract/define.ts'
import { page, pageRequest, SearchText } from '../../contract/page.ts'
import { Day, Id, Instant, label } from '../../contract/scalars.ts'

/** What invoicing adds to the words of the contract. */
const words = {
  permissions: { 'invoices.manage': 'Write, send and see the invoices of a tenant.' },
  errors: {
    'invoices.not_found': [404, 'There is no such invoice.'],
    'invoices.number_taken': [409, 'An invoice with this number exists already.'],
    'invoices.tenant_required': [400, 'Invoices belong to a tenant; name it in X-Tenant-ID.'],
    'invoices.not_a_draft': [409, 'The invoice was sent; what was sent stays as it is.'],
  },
  topics: {
    'invoice.created': z.object({ number: z.string() }),
    'invoice.sent': z.object({ number: z.string(), total_cents: z.int() }),
    'invoice.delivered': z.object({}),
    'invoice.overdue': z.object({ number: z.string() }),
    'invoice.deleted': z.object({ number: z.string() }),
  },
  flags: {
    'invoices.delivery': { kind: 'boolean', description: 'Invoices that were sent are delivered.', default: true },
  },
} as const satisfies Omit<ContractModule, 'entries'>

const { query, mutation } = extend(words)

const Cents = z.int().min(0).max(1_000_000_000)

const Line = z.object({
  text: label(1, 200),
  quantity: z.int().min(1).max(10_000),
  unit_cents: Cents,
})

const Status = z.enum(['draft', 'sent', 'overdue'])

const Invoice = z
  .object({
    id: Id,
    number: z.string(),
    customer: z.string(),
    status: Status,
    due_on: z.string().meta({ format: 'date' }).nullable(),
    total_cents: z.int(),
    delivered_at: Instant.nullable(),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: 'Invoice' })

const WholeInvoice = z.object({ ...Invoice.shape, lines: z.array(Line) }).meta({ id: 'WholeInvoice' })

export const invoices = {
  ...words,
  entries: {
    list: query({
      summary: 'The invoices of the tenant, the newest first.',
      http: ['GET', '/api/v1/invoices'],
      access: 'invoices.manage',
      rate: 'read',
      tenancy: 'bucket',
      replica: true,
      input: z.object({ ...pageRequest, q: SearchText, status: Status.optional(), due_before: Day.optional() }),
      output: page(Invoice),
      errors: ['cursor.invalid'],
    }),

    get: query({
      summary: 'One invoice with its lines.',
      http: ['GET', '/api/v1/invoices/{id}'],
      access: 'invoices.manage',
      rate: 'read',
      tenancy: 'bucket',
      input: z.object({ id: Id }),
      output: WholeInvoice,
      errors: ['invoices.not_found'],
    }),

    create: mutation({
      summary: 'Write an invoice as a draft. Tenants have invoices; without a tenant there are none.',
      http: ['POST', '/api/v1/invoices', 201],
      access: 'invoices.manage',
      rate: 'write',
      tenancy: 'bucket',
      idempotency: 'key',
      input: z.object({
        number: label(1, 40),
        customer: label(1, 200),
        due_on: Day.nullable().default(null),
        lines: z.array(Line).max(100).default([]),
      }),
      output: WholeInvoice,
      errors: ['invoices.number_taken', 'invoices.tenant_required'],
    }),

    send: mutation({
      summary: 'Send a draft. It is delivered soon after, and stays as it is from now on.',
      http: ['POST', '/api/v1/invoices/{id}/send'],
      access: 'invoices.manage',
      flag: 'invoices.delivery',
      rate: 'write',
      tenancy: 'bucket',
      idempotency: 'key',
      input: z.object({ id: Id }),
      output: Invoice,
      errors: ['invoices.not_found', 'invoices.not_a_draft'],
    }),

    delete: mutation({
      summary: 'Delete a draft.',
      http: ['DELETE', '/api/v1/invoices/{id}'],
      access: 'invoices.manage',
      rate: 'write',
      tenancy: 'bucket',
      idempotency: 'key',
      input: z.object({ id: Id }),
      output: z.void(),
      errors: ['invoices.not_found', 'invoices.not_a_draft'],
    }),
  },
}
