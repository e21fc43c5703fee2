import { and, eq, ilike, or, type SQL, sql } from 'drizzle-orm'
import { permissions, rolePermissions, roles } from '../../../db/schema/access.ts'
import { adminRole } from '../../../db/seed.ts'
import { statement } from '../../../db/statement.ts'

const { placeholder } = sql

/** The columns of a Permission as the contract names them. All tenants share permissions, so none of this names a bucket. */
export const permissionColumns = {
  id: permissions.id,
  code: permissions.code,
  resource: permissions.resource,
  action: permissions.action,
  description: permissions.description,
  created_at: permissions.created_at,
  updated_at: permissions.updated_at,
}

const matches = and(
  sql`(${placeholder('resource')}::text is null or ${permissions.resource} = ${placeholder('resource')})`,
  or(ilike(permissions.code, placeholder('pattern')), ilike(permissions.description, placeholder('pattern'))),
) as SQL

/** Permissions behind a position, by resource and code. Null for `resource` means any. */
export const listPermissions = statement('access.listPermissions', (db) =>
  db
    .select(permissionColumns)
    .from(permissions)
    .where(
      and(
        matches,
        sql`(${permissions.resource}, ${permissions.code}) > (${placeholder('afterResource')}::text, ${placeholder('afterCode')}::text)`,
      ),
    )
    .orderBy(permissions.resource, permissions.code)
    .limit(placeholder('limit')),
)

export const countPermissions = statement('access.countPermissions', (db) =>
  db.select({ total: sql<number>`count(*)::int` }).from(permissions).where(matches),
)

export const findPermission = statement('access.findPermission', (db) =>
  db
    .select(permissionColumns)
    .from(permissions)
    .where(eq(permissions.id, placeholder('id'))),
)

/** Those of the ids that there are, by resource and code. */
export const findPermissions = statement('access.findPermissions', (db) =>
  db
    .select(permissionColumns)
    .from(permissions)
    .where(sql`${permissions.id} = any(${placeholder('ids')})`)
    .orderBy(permissions.resource, permissions.code),
)

/** No row: the code is taken. */
export const insertPermission = statement('access.insertPermission', (db) =>
  db
    .insert(permissions)
    .values({
      id: placeholder('id'),
      code: placeholder('code'),
      resource: placeholder('resource'),
      action: placeholder('action'),
      description: placeholder('description'),
    })
    .onConflictDoNothing({ target: permissions.code })
    .returning(permissionColumns),
)

/** Gives a new permission to the administrators, who hold everything. */
export const grantToAdmins = statement('access.grantToAdmins', (db) =>
  db.insert(rolePermissions).select(
    sql`select ${roles.id}, ${placeholder('id')}::uuid, now() from ${roles}
      where ${roles.code} = ${adminRole} and ${roles.is_system} and ${roles.tenant_id} is null`,
  ),
)

/** Null leaves a column as it is. No row: there is no such permission. */
export const updatePermission = statement('access.updatePermission', (db) =>
  db
    .update(permissions)
    .set({
      resource: sql`coalesce(${placeholder('resource')}, ${permissions.resource})`,
      action: sql`coalesce(${placeholder('action')}, ${permissions.action})`,
      description: sql`coalesce(${placeholder('description')}, ${permissions.description})`,
      updated_at: sql`now()`,
    })
    .where(eq(permissions.id, placeholder('id')))
    .returning(permissionColumns),
)

/** Roles lose it with it. No row: there is no such permission. */
export const deletePermission = statement('access.deletePermission', (db) =>
  db
    .delete(permissions)
    .where(eq(permissions.id, placeholder('id')))
    .returning({ code: permissions.code }),
)
