import { boolean, index, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core'
import { moment } from './columns.ts'
import { users } from './users.ts'

/** An organisation. Everything that belongs to it goes with it. */
export const tenants = pgTable(
  'tenants',
  {
    id: uuid().primaryKey(),
    slug: text().notNull(),
    name: text().notNull(),
    created_at: moment().notNull().defaultNow(),
    updated_at: moment().notNull().defaultNow(),
  },
  (table) => [unique('tenants_slug_unique').on(table.slug)],
)

export const members = pgTable(
  'members',
  {
    tenant_id: uuid()
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    user_id: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    is_owner: boolean().notNull().default(false),
    joined_at: moment().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenant_id, table.user_id] }), index('members_by_user').on(table.user_id)],
)
