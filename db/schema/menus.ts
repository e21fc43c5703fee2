import { type AnyPgColumn, boolean, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { type Json, moment } from './columns.ts'
import { tenants } from './tenants.ts'

export const menus = pgTable(
  'menus',
  {
    id: uuid().primaryKey(),
    tenant_id: uuid().references(() => tenants.id, { onDelete: 'cascade' }),
    /** In the same bucket; the handlers see to that, and that there is no cycle. */
    parent_id: uuid().references((): AnyPgColumn => menus.id, { onDelete: 'cascade' }),
    code: text().notNull(),
    label: text().notNull(),
    icon: text().notNull().default(''),
    path: text().notNull().default(''),
    sort_order: integer().notNull().default(0),
    required_permission_code: text(),
    is_visible: boolean().notNull().default(true),
    metadata: jsonb().$type<Json>().notNull().default({}),
    created_at: moment().notNull().defaultNow(),
    updated_at: moment().notNull().defaultNow(),
  },
  (table) => [
    unique('menus_code_unique').on(table.tenant_id, table.code).nullsNotDistinct(),
    index('menus_by_parent').on(table.parent_id),
    index('menus_by_permission').on(table.required_permission_code),
  ],
)
