import { bigint, index, integer, pgTable, text } from 'drizzle-orm/pg-core'

/** The budgets of all instances, in the form that rate-limiter-flexible asks for. Unlogged: a crash forgives. */
export const rateLimits = pgTable(
  'rate_limits',
  {
    key: text().primaryKey(),
    points: integer().notNull().default(0),
    /** Unix time in milliseconds. */
    expire: bigint({ mode: 'number' }),
  },
  (table) => [index('rate_limits_by_expiry').on(table.expire)],
)
