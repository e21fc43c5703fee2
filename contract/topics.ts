import { z } from 'zod'
import { Id } from './scalars.ts'

const nothing = z.object({})
const member = z.object({ user_id: Id })

/**
 * Every topic that is recorded, with what its events tell besides who, where and when. The table grows by addition: a
 * released topic keeps its meaning and its fields. Fields it does not name are dropped, so no secret gets into the log.
 */
export const topics = {
  'user.registered': z.object({ name: z.string() }),
  'user.password_changed': nothing,
  'user.disabled': nothing,
  'user.enabled': nothing,
  'user.roles_changed': z.object({ role_ids: z.array(Id) }),
  'session.started': nothing,
  'session.refreshed': nothing,
  'session.ended': z.object({ reason: z.enum(['signed_out', 'revoked', 'token_reused']) }),
  'session.others_ended': z.object({ ended: z.int() }),
  'apikey.created': z.object({ name: z.string(), prefix: z.string() }),
  'apikey.revoked': nothing,
  'permission.created': z.object({ code: z.string() }),
  'permission.updated': z.object({ code: z.string() }),
  'permission.deleted': z.object({ code: z.string() }),
  'role.created': z.object({ code: z.string(), name: z.string() }),
  'role.updated': z.object({ code: z.string(), name: z.string() }),
  'role.deleted': nothing,
  'role.permissions_changed': z.object({ permission_ids: z.array(Id) }),
  'menu.created': z.object({ code: z.string(), label: z.string() }),
  'menu.updated': z.object({ code: z.string(), label: z.string() }),
  'menu.deleted': nothing,
  'tenant.created': z.object({ slug: z.string(), name: z.string() }),
  'tenant.updated': z.object({ slug: z.string(), name: z.string() }),
  'tenant.deleted': nothing,
  'tenant.transferred': member,
  'tenant.member_added': member,
  'tenant.member_removed': member,
  'tenant.member_left': member,
  'flag.set': z.object({ value: z.union([z.boolean(), z.string()]).nullable(), rules: z.int() }),
  'flag.cleared': nothing,
  'stream.ticket_issued': nothing,
} as const satisfies Record<string, z.ZodObject>

/** Whose access a topic may have ended: that of the person whose matter it is, or anybody's. */
export type EndingAccess = 'person' | 'anybody'

/**
 * Topics after which somebody may see less than before. A stream reads its reader's access anew before it shows what
 * follows.
 */
export const endingAccess: Readonly<Partial<Record<keyof typeof topics, EndingAccess>>> = {
  'user.password_changed': 'person',
  'user.disabled': 'person',
  'user.roles_changed': 'person',
  'session.ended': 'person',
  'session.others_ended': 'person',
  'apikey.revoked': 'person',
  'permission.deleted': 'anybody',
  'role.deleted': 'anybody',
  'role.permissions_changed': 'anybody',
  'tenant.deleted': 'anybody',
  'tenant.member_removed': 'person',
  'tenant.member_left': 'person',
}
