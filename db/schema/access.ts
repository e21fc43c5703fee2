import { boolean, index, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core'
import { moment } from './columns.ts'
import { tenants } from './tenants.ts'
import { users } from './users.ts'

export const permissions = pgTable(
  'permissions',
  {
    id: uuid().primaryKey(),
    code: text().notNull(),
    resource: text().notNull(),
    action: text().notNull(),
    description: text().notNull().default(''),
    created_at: moment().notNull().defaultNow(),
    updated_at: moment().notNull().defaultNow(),
  },
  (table) => [unique('permissions_code_unique').on(table.code)],
)

/** Without a tenant the role is global: every tenant may grant it, none may change it. */
export const roles = pgTable(
  'roles',
  {
    id: uuid().primaryKey(),
    tenant_id: uuid().references(() => tenants.id, { onDelete: 'cascade' }),
    code: text().notNull(),
    name: text().notNull(),
    description: text().notNull().default(''),
    is_system: boolean().notNull().default(false),
    created_at: moment().notNull().defaultNow(),
    updated_at: moment().notNull().defaultNow(),
  },
  (table) => [unique('roles_code_unique').on(table.tenant_id, table.code).nullsNotDistinct()],
)

export const rolePermissions = pgTable(
  'role_permissions',
  {
    role_id: uuid()
      .notNull()
      .references(() => roles.id, { onDelete: 'cascade' }),
    permission_id: uuid()
      .notNull()
      .references(() => permissions.id, { onDelete: 'cascade' }),
    created_at: moment().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.role_id, table.permission_id] }),
    index('role_permissions_by_permission').on(table.permission_id),
  ],
)

/** A grant: in a tenant it counts there, without one everywhere. */
export const userRoles = pgTable(
  'user_roles',
  {
    user_id: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    role_id: uuid()
      .notNull()
      .references(() => roles.id, { onDelete: 'cascade' }),
    tenant_id: uuid().references(() => tenants.id, { onDelete: 'cascade' }),
    created_at: moment().notNull().defaultNow(),
  },
  (table) => [
    unique('user_roles_unique').on(table.user_id, table.role_id, table.tenant_id).nullsNotDistinct(),
    index('user_roles_by_role').on(table.role_id),
    index('user_roles_by_tenant').on(table.tenant_id),
  ],
)
