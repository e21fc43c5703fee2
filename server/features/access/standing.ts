import { sql } from 'drizzle-orm'
import { statement } from '../../../db/statement.ts'

const { placeholder } = sql

/**
 * What people hold, a row for each person and tenant asked for, in the order asked. For the gates, which see all
 * tenants; the two lists are of the same length, and a tenant is null where none is asked for.
 */
export const findStandings = statement('access.findStandings', (db) =>
  db
    .select({
      user_id: sql<string>`asked.user_id`,
      tenant_id: sql<string | null>`asked.tenant_id`,
      global: sql<string[]>`coalesce(array_agg(distinct permissions.code)
        filter (where user_roles.tenant_id is null and permissions.code is not null), '{}')`,
      inTenant: sql<
        string[]
      >`coalesce(array_agg(distinct permissions.code) filter (where permissions.code is not null), '{}')`,
      mayEnter: sql<boolean>`exists (select from tenants where tenants.id = asked.tenant_id) and (
        coalesce(bool_or(roles.is_system and roles.code = 'admin' and user_roles.tenant_id is null), false)
        or exists (
          select from members where members.user_id = asked.user_id and members.tenant_id = asked.tenant_id
        ))`,
    })
    .from(
      sql`unnest(${placeholder('userIds')}::uuid[], ${placeholder('tenantIds')}::uuid[]) as asked(user_id, tenant_id)
        left join user_roles on user_roles.user_id = asked.user_id
          and (user_roles.tenant_id is null or user_roles.tenant_id = asked.tenant_id)
        left join roles on roles.id = user_roles.role_id
        left join role_permissions on role_permissions.role_id = roles.id
        left join permissions on permissions.id = role_permissions.permission_id`,
    )
    .groupBy(sql`asked.user_id, asked.tenant_id`),
)

/** The roles that people hold, asked for as their standings are. No row for who holds none. */
export const findRoleCodes = statement('access.findRoleCodes', (db) =>
  db
    .select({
      user_id: sql<string>`asked.user_id`,
      tenant_id: sql<string | null>`asked.tenant_id`,
      codes: sql<string[]>`array_agg(distinct roles.code)`,
    })
    .from(
      sql`unnest(${placeholder('userIds')}::uuid[], ${placeholder('tenantIds')}::uuid[]) as asked(user_id, tenant_id)
        join user_roles on user_roles.user_id = asked.user_id
          and (user_roles.tenant_id is null or user_roles.tenant_id = asked.tenant_id)
        join roles on roles.id = user_roles.role_id`,
    )
    .groupBy(sql`asked.user_id, asked.tenant_id`),
)

/** The key under which the standing of a person in a tenant is asked for and found. */
export const standingKey = (userId: string, tenantId: string | null | undefined): string =>
  `${userId} ${tenantId ?? ''}`

/** Splits keys into the lists that the statement takes. */
export const standingsAsked = (keys: readonly string[]) => {
  const pairs = keys.map((key) => key.split(' '))
  return { userIds: pairs.map(([userId]) => userId), tenantIds: pairs.map(([, tenantId]) => tenantId || null) }
}
