import { z } from 'zod'
import { mutation, query } from './core.ts'
import { page, pageRequest } from './page.ts'
import { Id, Instant, InstantInput, label } from './scalars.ts'

/** A key without its secret. It belongs to a person and may never do more than that person. */
const ApiKey = z
  .object({
    id: Id,
    prefix: z.string(),
    name: z.string(),
    scopes: z.array(z.string()),
    expires_at: Instant.nullable(),
    last_used_at: Instant.nullable(),
    revoked_at: Instant.nullable(),
    created_at: Instant,
  })
  .meta({ id: 'ApiKey' })

/** The code of a permission, or `*` for everything that the owner may do at the moment of a call. Blank ones are dropped. */
const Scope = z.string().trim().toLowerCase().max(100)

export const apiKeys = {
  list: query({
    summary: 'The keys of the caller, the newest first, revoked ones included.',
    http: ['GET', '/api/v1/api-keys'],
    access: 'session',
    rate: 'read',
    tenancy: 'none',
    input: z.object(pageRequest),
    output: page(ApiKey),
    errors: ['cursor.invalid'],
  }),

  create: mutation({
    summary: 'Make a key. Its plaintext is shown this once.',
    http: ['POST', '/api/v1/api-keys', 201],
    access: 'session',
    rate: 'write',
    tenancy: 'bucket',
    idempotency: 'key',
    secret: true,
    input: z.object({
      name: label(1, 120),
      scopes: z.array(Scope).max(100).default([]),
      expires_at: InstantInput.nullish(),
    }),
    output: ApiKey.extend({ plaintext: z.string() }).meta({ id: 'NewApiKey' }),
    errors: ['rbac.escalation'],
  }),

  revoke: mutation({
    summary: 'End a key at once.',
    http: ['DELETE', '/api/v1/api-keys/{id}'],
    access: 'session',
    rate: 'write',
    tenancy: 'none',
    idempotency: 'key',
    input: z.object({ id: Id }),
    output: z.void(),
    errors: ['apikey.not_found'],
  }),
}
