import { randomUUID } from 'node:crypto'
import type { TestApp } from './app.ts'

interface Granted {
  readonly id: string
}

/** Grants a person a new role with these permissions, globally or in a tenant; returns the id of the role. */
export const grant = async (
  { sql }: Pick<TestApp, 'sql'>,
  person: Granted,
  { permissions, tenant }: { readonly permissions: readonly string[]; readonly tenant?: Granted },
): Promise<string> => {
  const id = randomUUID()
  await sql('insert into roles (id, tenant_id, code, name) values ($1, $2, $3, $3)', [
    id,
    tenant?.id ?? null,
    `role-${id}`,
  ])
  await sql(
    `insert into role_permissions (role_id, permission_id) select $1, id from permissions where code = any ($2)`,
    [id, permissions],
  )
  await sql('insert into user_roles (user_id, role_id, tenant_id) values ($1, $2, $3)', [
    person.id,
    id,
    tenant?.id ?? null,
  ])
  return id
}

/** Withdraws a role from a person. */
export const withdraw = async ({ sql }: Pick<TestApp, 'sql'>, person: Granted, roleId: string): Promise<void> => {
  await sql('delete from user_roles where user_id = $1 and role_id = $2', [person.id, roleId])
}

/** Makes a person a global administrator. */
export const makeAdministrator = async ({ sql }: Pick<TestApp, 'sql'>, person: Granted): Promise<void> => {
  await sql(
    `insert into user_roles (user_id, role_id)
     select $1, id from roles where code = 'admin' and is_system and tenant_id is null`,
    [person.id],
  )
}
