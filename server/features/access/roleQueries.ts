import { and, eq, ilike, or, type SQL, sql } from 'drizzle-orm'
import { bucketId, inBucket, inSight } from '../../../db/bucket.ts'
import { permissions, rolePermissions, roles } from '../../../db/schema/access.ts'
import { statement } from '../../../db/statement.ts'
import { permissionColumns } from './permissionQueries.ts'

const { placeholder } = sql

/** The columns of a Role as the contract names them. */
export const roleColumns = {
  id: roles.id,
  tenant_id: roles.tenant_id,
  code: roles.code,
  name: roles.name,
  description: roles.description,
  is_system: roles.is_system,
  created_at: roles.created_at,
  updated_at: roles.updated_at,
}

/** A role that may be seen here: one filter for all that is read. The one below it is for all that is changed. */
export const isSeen = inSight(roles.tenant_id)
const isOwn = and(eq(roles.id, placeholder('id')), inBucket(roles.tenant_id)) as SQL

const matches = and(
  isSeen,
  or(ilike(roles.name, placeholder('pattern')), ilike(roles.code, placeholder('pattern'))),
) as SQL

/** Roles in sight behind a position, by name. */
export const listRoles = statement('access.listRoles', (db) =>
  db
    .select(roleColumns)
    .from(roles)
    .where(
      and(
        matches,
        sql`(${roles.name}, ${roles.id}) > (${placeholder('afterName')}::text, ${placeholder('afterId')}::uuid)`,
      ),
    )
    .orderBy(roles.name, roles.id)
    .limit(placeholder('limit')),
)

export const countRoles = statement('access.countRoles', (db) =>
  db.select({ total: sql<number>`count(*)::int` }).from(roles).where(matches),
)

/** No row: there is no such role in sight. */
export const findRole = statement('access.findRole', (db) =>
  db
    .select(roleColumns)
    .from(roles)
    .where(and(eq(roles.id, placeholder('id')), isSeen)),
)

/** Those of the ids that are in sight, by name. */
export const findRoles = statement('access.findRoles', (db) =>
  db
    .select(roleColumns)
    .from(roles)
    .where(and(sql`${roles.id} = any(${placeholder('ids')})`, isSeen))
    .orderBy(roles.name, roles.id),
)

/** No row: the code is taken in this bucket. A tenant may use the code of a global role for a role of its own. */
export const insertRole = statement('access.insertRole', (db) =>
  db
    .insert(roles)
    .values({
      id: placeholder('id'),
      tenant_id: bucketId(),
      code: placeholder('code'),
      name: placeholder('name'),
      description: placeholder('description'),
    })
    .onConflictDoNothing({ target: [roles.tenant_id, roles.code] })
    .returning(roleColumns),
)

/**
 * Holds a role of the bucket until the transaction ends, so that changes of one role follow one another. No row: there
 * is no such role, or it is a global one that a tenant sees and cannot change.
 */
export const holdRole = statement('access.holdRole', (db) =>
  db.select({ is_system: roles.is_system }).from(roles).where(isOwn).for('update'),
)

/** Null leaves a column as it is. */
export const updateRole = statement('access.updateRole', (db) =>
  db
    .update(roles)
    .set({
      name: sql`coalesce(${placeholder('name')}, ${roles.name})`,
      description: sql`coalesce(${placeholder('description')}, ${roles.description})`,
      updated_at: sql`now()`,
    })
    .where(isOwn)
    .returning(roleColumns),
)

/** Its grants and permissions go with it. */
export const deleteRole = statement('access.deleteRole', (db) =>
  db.delete(roles).where(isOwn).returning({ id: roles.id }),
)

/** The permissions of a role in sight, by resource and code. */
export const listRolePermissions = statement('access.listRolePermissions', (db) =>
  db
    .select(permissionColumns)
    .from(permissions)
    .innerJoin(rolePermissions, eq(rolePermissions.permission_id, permissions.id))
    .innerJoin(roles, eq(roles.id, rolePermissions.role_id))
    .where(and(eq(roles.id, placeholder('id')), isSeen))
    .orderBy(permissions.resource, permissions.code),
)

/** The codes that several roles in sight come to. */
export const listCodesOfRoles = statement('access.listCodesOfRoles', (db) =>
  db
    .selectDistinct({ code: permissions.code })
    .from(permissions)
    .innerJoin(rolePermissions, eq(rolePermissions.permission_id, permissions.id))
    .innerJoin(roles, eq(roles.id, rolePermissions.role_id))
    .where(and(sql`${roles.id} = any(${placeholder('ids')})`, isSeen)),
)

/** Takes every permission from a role of the bucket but those of the ids. */
export const keepRolePermissions = statement('access.keepRolePermissions', (db) =>
  db
    .delete(rolePermissions)
    .where(
      and(
        sql`${rolePermissions.role_id} = (select ${roles.id} from ${roles} where ${isOwn})`,
        sql`${rolePermissions.permission_id} <> all(${placeholder('ids')}::uuid[])`,
      ),
    ),
)

/** Adds permissions to a role of the bucket. */
export const addRolePermissions = statement('access.addRolePermissions', (db) =>
  db.insert(rolePermissions).select(
    sql`select ${roles.id}, added.id, now() from ${roles}, unnest(${placeholder('ids')}::uuid[]) as added(id)
      where ${isOwn}`,
  ),
)
