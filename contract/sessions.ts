import { z } from 'zod'
import { mutation, query } from './core.ts'
import { page, pageRequest } from './page.ts'
import { Id, Instant } from './scalars.ts'

/** One signed-in device. `current` marks the one that asks. */
const Session = z
  .object({
    id: Id,
    user_agent: z.string(),
    ip: z.string(),
    current: z.boolean(),
    created_at: Instant,
    last_used_at: Instant,
    expires_at: Instant,
  })
  .meta({ id: 'Session' })

export const sessions = {
  list: query({
    summary: 'The devices that are signed in to this account, the last used first.',
    http: ['GET', '/api/v1/me/sessions'],
    access: 'session',
    rate: 'read',
    tenancy: 'none',
    input: z.object(pageRequest),
    output: page(Session),
    errors: ['cursor.invalid'],
  }),

  revoke: mutation({
    summary: 'End one session of this account.',
    http: ['DELETE', '/api/v1/me/sessions/{id}'],
    access: 'session',
    rate: 'write',
    tenancy: 'none',
    idempotency: 'key',
    input: z.object({ id: Id }),
    output: z.void(),
    errors: ['session.not_found'],
  }),

  revokeOthers: mutation({
    summary: 'End every session of this account but the one that asks.',
    http: ['DELETE', '/api/v1/me/sessions'],
    access: 'session',
    rate: 'write',
    tenancy: 'none',
    idempotency: 'key',
    output: z.object({ revoked: z.int() }),
  }),
}
