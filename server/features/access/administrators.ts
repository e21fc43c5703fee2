import { and, eq, isNull, ne, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../../db/client.ts'
import { roles, userRoles } from '../../../db/schema/access.ts'
import { users } from '../../../db/schema/users.ts'
import { adminRole } from '../../../db/seed.ts'
import { statement } from '../../../db/statement.ts'

const { placeholder } = sql

const isAdminRole = and(eq(roles.code, adminRole), eq(roles.is_system, true), isNull(roles.tenant_id)) as SQL

const holdAdminRole = statement('access.holdAdminRole', (db) =>
  db.select({ id: roles.id }).from(roles).where(isAdminRole).for('update'),
)

/** Those who hold the role globally and can sign in; nobody else could set anything right again. */
const administrators = (db: Db, whose: SQL) =>
  db
    .select({ user_id: users.id })
    .from(users)
    .innerJoin(userRoles, eq(userRoles.user_id, users.id))
    .innerJoin(roles, eq(roles.id, userRoles.role_id))
    .where(and(whose, isNull(users.disabled_at), isNull(userRoles.tenant_id), isAdminRole))
    .limit(1)

const findAdmin = statement('access.findAdmin', (db) => administrators(db, eq(users.id, placeholder('userId'))))
const findOtherAdmin = statement('access.findOtherAdmin', (db) =>
  administrators(db, ne(users.id, placeholder('userId'))),
)

/**
 * Whether nobody but this person is an administrator. For work in the global bucket that holds the row of the person.
 * When they are one, the administrators' role is held until the transaction ends: of two removals at once the second
 * sees what the first has left.
 */
export const isLastAdmin = async (tx: Db, userId: string): Promise<boolean> => {
  const [admin] = await findAdmin(tx, { userId })
  if (!admin) return false
  await holdAdminRole(tx)
  const [other] = await findOtherAdmin(tx, { userId })
  return other === undefined
}

/** Whether there is an administrator. */
export const findAnyAdmin = statement('access.findAnyAdmin', (db) => administrators(db, sql`true`))

/** No row: the migration step, which makes the role, has not run. */
export const findAdminRole = statement('access.findAdminRole', (db) =>
  db.select({ id: roles.id }).from(roles).where(isAdminRole),
)

/** Grants the administrators' role globally. No row: the person has it. For work in the global bucket. */
export const grantAdminRole = statement('access.grantAdminRole', (db) =>
  db
    .insert(userRoles)
    .select(sql`select ${placeholder('userId')}::uuid, ${placeholder('roleId')}::uuid, null::uuid, now()`)
    .onConflictDoNothing()
    .returning({ role_id: userRoles.role_id }),
)
