import type { Client } from 'pg'
import { uuidv7 } from 'uuidv7'
import { withConnection } from './oneConnection.ts'

export interface SeedResult {
  /** Codes that were not there before. */
  readonly added: readonly string[]
  /** Codes in the database that the contract does not name: made by administrators, or no longer asked for. */
  readonly unnamed: readonly string[]
}

/** The role that holds everything. Its global holders are the administrators. */
export const adminRole = 'admin'

/** An entry of the navigation that comes with the program: global, so all tenants see it. */
export interface SeededMenu {
  readonly code: string
  readonly label: string
  readonly path: string
  readonly icon?: string
  readonly sort_order?: number
  readonly required_permission_code?: string
  /** The code of the entry it stands below: of an earlier one, or of one that is there. */
  readonly parent?: string
}

export interface Seeds {
  /** Code -> meaning. */
  readonly permissions: Readonly<Record<string, string>>
  readonly menus?: readonly SeededMenu[]
}

/**
 * Inserts the permissions that the contract names, gives all there are to the administrators' role, and inserts the
 * menu entries of the modules whose code is not there. Changes and deletes nothing. Repeatable; connects as the owner of the schema.
 */
export function seed(url: string, { permissions, menus = [] }: Seeds): Promise<SeedResult> {
  return withConnection(url, async (client) => {
    await client.query('begin')
    const result = await fill(client, permissions)
    for (const menu of menus) await addMenu(client, menu)
    await client.query('commit')
    return result
  })
}

async function fill(client: Client, permissions: Readonly<Record<string, string>>): Promise<SeedResult> {
  const added: string[] = []
  for (const [code, description] of Object.entries(permissions)) {
    const [resource = code, action = 'use'] = code.split('.', 2)
    const { rowCount } = await client.query(
      `insert into permissions (id, code, resource, action, description) values ($1, $2, $3, $4, $5)
       on conflict (code) do nothing`,
      [uuidv7(), code, resource, action, description],
    )
    if (rowCount === 1) added.push(code)
  }
  await client.query(
    `insert into roles (id, code, name, description, is_system)
     values ($1, $2, 'Administrator', 'Holds every permission.', true) on conflict (tenant_id, code) do nothing`,
    [uuidv7(), adminRole],
  )
  await client.query(
    `insert into role_permissions (role_id, permission_id)
     select roles.id, permissions.id from roles, permissions
     where roles.code = $1 and roles.tenant_id is null and roles.is_system on conflict do nothing`,
    [adminRole],
  )
  const { rows } = await client.query<{ code: string }>(
    'select code from permissions where code <> all ($1) order by code',
    [Object.keys(permissions)],
  )
  return { added, unnamed: rows.map(({ code }) => code) }
}

async function addMenu(client: Client, menu: SeededMenu): Promise<void> {
  const { code, label, path, icon = '', sort_order = 0, required_permission_code = null, parent = null } = menu
  await client.query(
    `insert into menus (id, code, label, path, icon, sort_order, required_permission_code, parent_id)
     values ($1, $2, $3, $4, $5, $6, $7, (select id from menus where code = $8 and tenant_id is null))
     on conflict (tenant_id, code) do nothing`,
    [uuidv7(), code, label, path, icon, sort_order, required_permission_code, parent],
  )
}
