import { and, eq, sql } from 'drizzle-orm'
import { users } from '../../../db/schema/users.ts'
import { statement } from '../../../db/statement.ts'

const { placeholder } = sql

/** The columns of a User as the contract names them. Needs sight of global grants: the role gate, or any bucket. */
export const userColumns = {
  id: users.id,
  email: users.email,
  name: users.name,
  // Written out, because Drizzle leaves the table's name off where only one is selected from.
  role: sql<'user' | 'admin'>`case when exists (
    select from user_roles join roles on roles.id = user_roles.role_id
    where user_roles.user_id = users.id and user_roles.tenant_id is null
      and roles.is_system and roles.code = 'admin' and roles.tenant_id is null
  ) then 'admin' else 'user' end`.as('role'),
  created_at: users.created_at,
  updated_at: users.updated_at,
}

/** With the password hash and, for a disabled account, when it was disabled. */
export const findUserByEmail = statement('auth.findUserByEmail', (db) =>
  db
    .select({ ...userColumns, password_hash: users.password_hash, disabled_at: users.disabled_at })
    .from(users)
    .where(eq(users.email, placeholder('email'))),
)

export const findPasswordHash = statement('auth.findPasswordHash', (db) =>
  db
    .select({ password_hash: users.password_hash })
    .from(users)
    .where(eq(users.id, placeholder('userId'))),
)

/** No row: the e-mail is taken. */
export const insertUser = statement('auth.insertUser', (db) =>
  db
    .insert(users)
    .values({
      id: placeholder('id'),
      email: placeholder('email'),
      name: placeholder('name'),
      password_hash: placeholder('passwordHash'),
    })
    .onConflictDoNothing({ target: users.email })
    .returning(userColumns),
)

/** Replaces a hash only while it is still the one that was verified, so that two changes at once cannot both win. */
export const replacePasswordHash = statement('auth.replacePasswordHash', (db) =>
  db
    .update(users)
    .set({ password_hash: sql`${placeholder('passwordHash')}`, updated_at: sql`now()` })
    .where(and(eq(users.id, placeholder('userId')), eq(users.password_hash, placeholder('previous'))))
    .returning({ id: users.id }),
)
