import { pgTable, uuid } from 'drizzle-orm/pg-core'
import { moment } from './columns.ts'
import { users } from './users.ts'

/** When each person last changed something, kept where a read replica serves reads: the writer's own come from the primary. */
export const lastWrites = pgTable('last_writes', {
  person_id: uuid()
    .primaryKey()
    .references(() => users.id, { onDelete: 'cascade' }),
  written_at: moment().notNull(),
})
