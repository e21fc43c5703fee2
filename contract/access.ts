import { z } from 'zod'
import { mutation, query } from './core.ts'
import { page, pageRequest, SearchText } from './page.ts'
import { Id, Instant, label, PermissionCode, RoleCode, TenantEcho } from './scalars.ts'

/** Something that can be allowed. Entries ask for its `code`, which cannot be changed. */
export const Permission = z
  .object({
    id: Id,
    code: z.string(),
    resource: z.string(),
    action: z.string(),
    description: z.string(),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: 'Permission' })

/** A set of permissions that can be granted. `tenant_id` is null for global roles; system roles cannot be changed. */
export const Role = z
  .object({
    id: Id,
    tenant_id: Id.nullable(),
    code: z.string(),
    name: z.string(),
    description: z.string(),
    is_system: z.boolean(),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: 'Role' })

/** A set of ids that takes the place of the former one; an empty one takes everything away. */
export const IdSet = z.array(Id).max(500)

const Description = label(0, 500)

export const permissions = {
  list: query({
    summary: 'All permissions, by resource and code.',
    http: ['GET', '/api/v1/permissions'],
    access: 'rbac.manage',
    rate: 'read',
    tenancy: 'none',
    input: z.object({ ...pageRequest, resource: z.string().max(64).optional(), q: SearchText }),
    output: page(Permission),
    errors: ['cursor.invalid'],
  }),

  get: query({
    summary: 'One permission.',
    http: ['GET', '/api/v1/permissions/{id}'],
    access: 'rbac.manage',
    rate: 'read',
    tenancy: 'none',
    input: z.object({ id: Id }),
    output: Permission,
    errors: ['rbac.permission_not_found'],
  }),

  create: mutation({
    summary: 'Make a permission for code of your own to ask for.',
    http: ['POST', '/api/v1/permissions', 201],
    access: 'rbac.manage',
    rate: 'write',
    tenancy: 'global',
    idempotency: 'key',
    input: z.object({
      code: PermissionCode,
      resource: label(1, 64),
      action: label(1, 32),
      description: Description.default(''),
    }),
    output: Permission,
    errors: ['rbac.permission_code_taken'],
  }),

  update: mutation({
    summary: 'Change what is said of a permission; fields left out stay.',
    http: ['PATCH', '/api/v1/permissions/{id}'],
    access: 'rbac.manage',
    rate: 'write',
    tenancy: 'global',
    idempotency: 'key',
    input: z.object({
      id: Id,
      resource: label(1, 64).optional(),
      action: label(1, 32).optional(),
      description: Description.optional(),
    }),
    output: Permission,
    errors: ['rbac.permission_not_found'],
  }),

  delete: mutation({
    summary: 'Delete a permission that no entry asks for; roles lose it.',
    http: ['DELETE', '/api/v1/permissions/{id}'],
    access: 'rbac.manage',
    rate: 'write',
    tenancy: 'global',
    idempotency: 'key',
    input: z.object({ id: Id }),
    output: z.void(),
    errors: ['rbac.permission_not_found', 'rbac.permission_is_system'],
  }),
}

export const roles = {
  list: query({
    summary: 'The roles that can be granted here, by name: the global ones and those of the tenant.',
    http: ['GET', '/api/v1/roles'],
    access: 'rbac.manage',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({ ...pageRequest, q: SearchText, tenant_id: TenantEcho }),
    output: page(Role),
    replica: true,
    errors: ['cursor.invalid'],
  }),

  get: query({
    summary: 'One role.',
    http: ['GET', '/api/v1/roles/{id}'],
    access: 'rbac.manage',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({ id: Id }),
    output: Role,
    errors: ['rbac.role_not_found'],
  }),

  create: mutation({
    summary: 'Make a role, without permissions at first.',
    http: ['POST', '/api/v1/roles', 201],
    access: 'rbac.manage',
    rate: 'write',
    tenancy: 'bucket',
    idempotency: 'key',
    input: z.object({
      tenant_id: TenantEcho,
      code: RoleCode,
      name: label(1, 128),
      description: Description.default(''),
    }),
    output: Role,
    errors: ['rbac.role_code_taken'],
  }),

  update: mutation({
    summary: 'Rename or describe a role; fields left out stay.',
    http: ['PATCH', '/api/v1/roles/{id}'],
    access: 'rbac.manage',
    rate: 'write',
    tenancy: 'bucket',
    idempotency: 'key',
    input: z.object({ id: Id, name: label(1, 128).optional(), description: Description.optional() }),
    output: Role,
    errors: ['rbac.role_not_found', 'rbac.role_is_system'],
  }),

  delete: mutation({
    summary: 'Delete a role; whoever held it loses it.',
    http: ['DELETE', '/api/v1/roles/{id}'],
    access: 'rbac.manage',
    rate: 'write',
    tenancy: 'bucket',
    idempotency: 'key',
    input: z.object({ id: Id }),
    output: z.void(),
    errors: ['rbac.role_not_found', 'rbac.role_is_system'],
  }),

  permissions: query({
    summary: 'The permissions of a role.',
    http: ['GET', '/api/v1/roles/{id}/permissions'],
    access: 'rbac.manage',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({ id: Id }),
    output: z.array(Permission),
    errors: ['rbac.role_not_found'],
  }),

  setPermissions: mutation({
    summary: 'Replace the permissions of a role. Nobody can add one that they do not hold.',
    http: ['PUT', '/api/v1/roles/{id}/permissions'],
    access: 'rbac.manage',
    rate: 'write',
    tenancy: 'bucket',
    idempotency: 'key',
    input: z.object({ id: Id, permission_ids: IdSet }),
    output: z.array(Permission),
    errors: ['rbac.role_not_found', 'rbac.role_is_system', 'rbac.permission_not_found', 'rbac.escalation'],
  }),
}

export const access = {
  mine: query({
    summary: 'What the caller may do here. An API key is shown the permissions it may use, and no roles.',
    http: ['GET', '/api/v1/me/access'],
    access: 'user',
    rate: 'read',
    tenancy: 'bucket',
    cache: { maxAgeSeconds: 30 },
    output: z.object({ roles: z.array(Role), permissions: z.array(z.string()) }),
  }),
}
