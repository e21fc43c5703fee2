import { z } from 'zod'
import { IdSet, Role } from './access.ts'
import { mutation, query } from './core.ts'
import { page, pageRequest, SearchText } from './page.ts'
import { Id, Instant, TenantEcho } from './scalars.ts'
import { User } from './user.ts'

/** An account as its managers see it. `disabled_at` is null while the person may sign in. */
const ManagedUser = User.extend({ disabled_at: Instant.nullable() }).meta({ id: 'ManagedUser' })

/** Why somebody holds a permission: through which role, and where that role was granted (null: everywhere). */
const Explained = z.object({
  code: z.string(),
  sources: z.array(z.object({ role_id: Id, role_code: z.string(), granted_in: Id.nullable() })),
})

export const users = {
  list: query({
    summary: 'Accounts, the newest first; in a tenant its members.',
    http: ['GET', '/api/v1/users'],
    access: 'users.read',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({ ...pageRequest, q: SearchText }),
    output: page(ManagedUser),
    replica: true,
    errors: ['cursor.invalid'],
  }),

  get: query({
    summary: 'One account.',
    http: ['GET', '/api/v1/users/{id}'],
    access: 'users.read',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({ id: Id }),
    output: ManagedUser,
    errors: ['user.not_found'],
  }),

  disable: mutation({
    summary: 'Stop an account from signing in and end its sessions.',
    http: ['POST', '/api/v1/users/{id}/disable'],
    access: 'users.manage',
    rate: 'write',
    tenancy: 'global',
    idempotency: 'key',
    input: z.object({ id: Id }),
    output: ManagedUser,
    errors: ['user.not_found', 'user.last_admin'],
  }),

  enable: mutation({
    summary: 'Let a disabled account sign in again.',
    http: ['POST', '/api/v1/users/{id}/enable'],
    access: 'users.manage',
    rate: 'write',
    tenancy: 'global',
    idempotency: 'key',
    input: z.object({ id: Id }),
    output: ManagedUser,
    errors: ['user.not_found'],
  }),

  roles: query({
    summary: 'The roles that a person was granted here.',
    http: ['GET', '/api/v1/users/{id}/roles'],
    access: 'rbac.manage',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({ id: Id }),
    output: z.array(Role),
    errors: ['user.not_found'],
  }),

  setRoles: mutation({
    summary: 'Replace the roles that a person holds here. Nobody can grant what they do not hold.',
    http: ['PUT', '/api/v1/users/{id}/roles'],
    access: 'rbac.manage',
    rate: 'write',
    tenancy: 'bucket',
    idempotency: 'key',
    input: z.object({ id: Id, tenant_id: TenantEcho, role_ids: IdSet }),
    output: z.array(Role),
    errors: ['user.not_found', 'rbac.role_not_found', 'rbac.escalation', 'user.last_admin'],
  }),

  access: query({
    summary: 'What a person may do here, each permission with the grants it comes from.',
    http: ['GET', '/api/v1/users/{id}/access'],
    access: 'rbac.manage',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({ id: Id }),
    output: z.object({ permissions: z.array(Explained) }),
    errors: ['user.not_found'],
  }),
}
