import { z } from 'zod'
import { mutation, query } from './core.ts'
import { page, pageRequest } from './page.ts'
import { Id, Instant, Json, label, TenantEcho } from './scalars.ts'

/** One entry of a navigation. It is shown to those who hold `required_permission_code`, to everybody when that is null. */
const MenuItem = z
  .object({
    id: Id,
    tenant_id: Id.nullable(),
    parent_id: Id.nullable(),
    code: z.string(),
    label: z.string(),
    icon: z.string(),
    path: z.string(),
    sort_order: z.int(),
    required_permission_code: z.string().nullable(),
    is_visible: z.boolean(),
    metadata: Json,
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: 'MenuItem' })

interface MenuBranch extends z.input<typeof MenuItem> {
  readonly children: readonly MenuBranch[]
}

interface MenuTree extends z.output<typeof MenuItem> {
  readonly children: readonly MenuTree[]
}

/** An entry with those below it, sorted by `sort_order`, then label. The types are spelt out: a schema cannot infer itself. */
export const MenuNode: z.ZodType<MenuTree, MenuBranch> = z
  .object({
    ...MenuItem.shape,
    get children() {
      return z.array(MenuNode)
    },
  })
  .meta({ id: 'MenuNode' })

const MenuCode = z
  .string()
  .min(2)
  .max(100)
  .regex(/^[^\s/\\]+$/, { error: 'must not hold white space or slashes' })

const fields = {
  icon: label(0, 64),
  path: label(0, 255),
  sort_order: z.int().min(-2_147_483_648).max(2_147_483_647),
  required_permission_code: z.string().min(1).max(100).nullable(),
  is_visible: z.boolean(),
  metadata: Json,
}

export const menus = {
  mine: query({
    summary: 'The navigation of the caller: what is visible and allowed, as a tree.',
    http: ['GET', '/api/v1/menus/mine'],
    access: 'user',
    rate: 'read',
    tenancy: 'bucket',
    cache: { maxAgeSeconds: 30 },
    output: z.array(MenuNode),
  }),

  list: query({
    summary: 'All entries here, by code: the global ones and those of the tenant.',
    http: ['GET', '/api/v1/menus'],
    access: 'menu.manage',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({ ...pageRequest, tenant_id: TenantEcho }),
    output: page(MenuItem),
    replica: true,
    errors: ['cursor.invalid'],
  }),

  tree: query({
    summary: 'All entries here as a tree, whoever may see them.',
    http: ['GET', '/api/v1/menus/tree'],
    access: 'menu.manage',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({ tenant_id: TenantEcho }),
    output: z.array(MenuNode),
  }),

  get: query({
    summary: 'One entry.',
    http: ['GET', '/api/v1/menus/{id}'],
    access: 'menu.manage',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({ id: Id }),
    output: MenuItem,
    errors: ['menu.not_found'],
  }),

  create: mutation({
    summary: 'Add an entry.',
    http: ['POST', '/api/v1/menus', 201],
    access: 'menu.manage',
    rate: 'write',
    tenancy: 'bucket',
    idempotency: 'key',
    input: z.object({
      tenant_id: TenantEcho,
      parent_id: Id.nullish(),
      code: MenuCode,
      label: label(1, 128),
      icon: fields.icon.default(''),
      path: fields.path.default(''),
      sort_order: fields.sort_order.default(0),
      required_permission_code: fields.required_permission_code.default(null),
      is_visible: fields.is_visible.default(true),
      metadata: fields.metadata.default({}),
    }),
    output: MenuItem,
    errors: ['menu.not_found', 'menu.code_taken', 'menu.parent_tenant_mismatch'],
  }),

  update: mutation({
    summary: 'Change or move an entry; fields left out stay.',
    http: ['PATCH', '/api/v1/menus/{id}'],
    access: 'menu.manage',
    rate: 'write',
    tenancy: 'bucket',
    idempotency: 'key',
    input: z.object({
      id: Id,
      parent_id: Id.optional(),
      unset_parent: z.boolean().optional(),
      label: label(1, 128).optional(),
      icon: fields.icon.optional(),
      path: fields.path.optional(),
      sort_order: fields.sort_order.optional(),
      required_permission_code: z.string().min(1).max(100).optional(),
      unset_required_permission: z.boolean().optional(),
      is_visible: fields.is_visible.optional(),
      metadata: fields.metadata.optional(),
    }),
    output: MenuItem,
    errors: ['menu.not_found', 'menu.cycle', 'menu.parent_tenant_mismatch'],
  }),

  delete: mutation({
    summary: 'Delete an entry; with cascade=true also everything below it.',
    http: ['DELETE', '/api/v1/menus/{id}'],
    access: 'menu.manage',
    rate: 'write',
    tenancy: 'bucket',
    idempotency: 'key',
    input: z.object({ id: Id, cascade: z.boolean().default(false) }),
    output: z.void(),
    errors: ['menu.not_found', 'menu.has_children'],
  }),
}
