import { z } from 'zod'
import { mutation, query } from './core.ts'
import { page, pageRequest } from './page.ts'
import { Email, Id, Instant, label } from './scalars.ts'

/** An organisation whose rows are kept apart from those of all others. */
const Tenant = z
  .object({ id: Id, slug: z.string(), name: z.string(), created_at: Instant, updated_at: Instant })
  .meta({ id: 'Tenant' })

const Member = z
  .object({ user_id: Id, email: z.string(), name: z.string(), is_owner: z.boolean(), joined_at: Instant })
  .meta({ id: 'Member' })

const Slug = z
  .string()
  .trim()
  .toLowerCase()
  .min(2)
  .max(63)
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, { error: 'must hold letters, digits and hyphens, not at the ends' })

export const tenants = {
  list: query({
    summary: 'The tenants of the caller, by slug.',
    http: ['GET', '/api/v1/tenants'],
    access: 'session',
    rate: 'read',
    tenancy: 'none',
    input: z.object(pageRequest),
    output: page(Tenant),
    errors: ['cursor.invalid'],
  }),

  create: mutation({
    summary: 'Found a tenant; the caller owns it.',
    http: ['POST', '/api/v1/tenants', 201],
    access: 'session',
    rate: 'write',
    tenancy: 'none',
    idempotency: 'key',
    input: z.object({ name: label(1, 128), slug: Slug }),
    output: Tenant,
    errors: ['tenant.slug_taken'],
  }),

  get: query({
    summary: 'One tenant, for its members.',
    http: ['GET', '/api/v1/tenants/{id}'],
    access: 'session',
    rate: 'read',
    tenancy: 'path',
    input: z.object({ id: Id }),
    output: Tenant,
    errors: ['tenant.not_found'],
  }),

  update: mutation({
    summary: 'Rename a tenant, for its owners; fields left out stay.',
    http: ['PATCH', '/api/v1/tenants/{id}'],
    access: 'session',
    rate: 'write',
    tenancy: 'path',
    idempotency: 'key',
    input: z.object({ id: Id, name: label(1, 128).optional(), slug: Slug.optional() }),
    output: Tenant,
    errors: ['tenant.not_found', 'tenant.forbidden', 'tenant.slug_taken'],
  }),

  delete: mutation({
    summary: 'Delete a tenant and everything in it, for its owners.',
    http: ['DELETE', '/api/v1/tenants/{id}'],
    access: 'session',
    rate: 'write',
    tenancy: 'path',
    idempotency: 'key',
    input: z.object({ id: Id }),
    output: z.void(),
    errors: ['tenant.not_found', 'tenant.forbidden'],
  }),

  leave: mutation({
    summary: 'Stop being a member; grants held there end too.',
    http: ['POST', '/api/v1/tenants/{id}/leave'],
    access: 'session',
    rate: 'write',
    tenancy: 'path',
    idempotency: 'key',
    input: z.object({ id: Id }),
    output: z.void(),
    errors: ['tenant.not_found', 'tenant.last_owner'],
  }),

  transfer: mutation({
    summary: 'Hand the ownership to another member and become a plain one.',
    http: ['POST', '/api/v1/tenants/{id}/transfer'],
    access: 'session',
    rate: 'write',
    tenancy: 'path',
    idempotency: 'key',
    input: z.object({ id: Id, user_id: Id }),
    output: z.void(),
    errors: ['tenant.not_found', 'tenant.forbidden', 'user.not_found'],
  }),

  members: query({
    summary: 'The members of a tenant, the longest first.',
    http: ['GET', '/api/v1/tenants/{id}/members'],
    access: 'session',
    rate: 'read',
    tenancy: 'path',
    input: z.object({ id: Id, ...pageRequest }),
    output: page(Member),
    errors: ['tenant.not_found', 'cursor.invalid'],
  }),

  addMember: mutation({
    summary: 'Add a person who has an account, for owners.',
    http: ['POST', '/api/v1/tenants/{id}/members', 201],
    access: 'session',
    rate: 'credential',
    tenancy: 'path',
    idempotency: 'key',
    input: z.object({ id: Id, email: Email }),
    output: Member,
    errors: ['tenant.not_found', 'tenant.forbidden', 'user.not_found', 'tenant.already_member'],
  }),

  removeMember: mutation({
    summary: 'Remove a member and the grants held there, for owners.',
    http: ['DELETE', '/api/v1/tenants/{id}/members/{user_id}'],
    access: 'session',
    rate: 'write',
    tenancy: 'path',
    idempotency: 'key',
    input: z.object({ id: Id, user_id: Id }),
    output: z.void(),
    errors: ['tenant.not_found', 'tenant.forbidden', 'user.not_found', 'tenant.last_owner'],
  }),
}
