import { and, eq, sql } from 'drizzle-orm'
import { bucketId, inBucket, inSight } from '../../../db/bucket.ts'
import { permissions, rolePermissions, roles, userRoles } from '../../../db/schema/access.ts'
import { statement } from '../../../db/statement.ts'
import { isSeen, roleColumns } from './roleQueries.ts'

const { placeholder } = sql

const isOf = eq(userRoles.user_id, placeholder('userId'))

/** The roles that count for a person here, granted in the bucket or globally, each once, by name. */
export const listRolesInForce = statement('access.listRolesInForce', (db) =>
  db
    .select(roleColumns)
    .from(roles)
    .where(
      and(
        isSeen,
        sql`${roles.id} in (
          select ${userRoles.role_id} from ${userRoles}
          where ${isOf} and ${inSight(userRoles.tenant_id)}
        )`,
      ),
    )
    .orderBy(roles.name, roles.id),
)

/** The roles that a person was granted in exactly this bucket, by name. */
export const listGrantedRoles = statement('access.listGrantedRoles', (db) =>
  db
    .select(roleColumns)
    .from(roles)
    .innerJoin(userRoles, eq(userRoles.role_id, roles.id))
    .where(and(isOf, inBucket(userRoles.tenant_id), isSeen))
    .orderBy(roles.name, roles.id),
)

/** Each permission that counts for a person here, once for every grant that it comes from, by code. */
export const listSources = statement('access.listSources', (db) =>
  db
    .select({
      code: permissions.code,
      role_id: roles.id,
      role_code: roles.code,
      granted_in: userRoles.tenant_id,
    })
    .from(userRoles)
    .innerJoin(roles, eq(roles.id, userRoles.role_id))
    .innerJoin(rolePermissions, eq(rolePermissions.role_id, roles.id))
    .innerJoin(permissions, eq(permissions.id, rolePermissions.permission_id))
    .where(and(isOf, inSight(userRoles.tenant_id), isSeen))
    .orderBy(permissions.code, roles.code, roles.id, sql`${userRoles.tenant_id} nulls first`),
)

/** Takes every role from a person in this bucket but those of the ids. */
export const keepGrants = statement('access.keepGrants', (db) =>
  db
    .delete(userRoles)
    .where(and(isOf, sql`${userRoles.role_id} <> all(${placeholder('ids')}::uuid[])`, inBucket(userRoles.tenant_id))),
)

/** Grants roles to a person in this bucket. */
export const addGrants = statement('access.addGrants', (db) =>
  db
    .insert(userRoles)
    .select(
      sql`select ${placeholder('userId')}::uuid, added.id, ${bucketId()}, now() from unnest(${placeholder('ids')}::uuid[]) as added(id)`,
    )
    .onConflictDoNothing(),
)
