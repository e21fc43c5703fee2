import { randomUUID } from 'node:crypto'
import { password } from './accounts.ts'
import type { TestApp } from './app.ts'
import { furnish, type Place } from './scenes.ts'

export type Letter = 'a' | 'b'

/** Every text in the rows of a side begins with this. */
export const canaryOf = (letter: Letter) => `canary-${letter}`

/** The kinds of ids, named as the resource in the path of an entry. */
const builtIn = ['tenants', 'users', 'roles', 'menus', 'permissions', 'api-keys', 'sessions'] as const
/** Built in, or of a module. */
export type Kind = string

/** A module's scene makes those of its own kinds; a kind without one fails the walk. */
type Ids = Readonly<Record<(typeof builtIn)[number], string>> & Readonly<Record<Kind, string>>

/** One of two tenants with twin data. */
export interface Side {
  /** The tenant, and a spare one of the same owner. */
  readonly tenantIds: readonly [main: string, spare: string]
  /** Those who are in no tenant of the other side, the manager first. */
  readonly personIds: readonly [manager: string, plain: string]
  /** Of the manager, who owns the tenant and holds every permission there, and none globally. */
  readonly token: string
  /** An API key of the manager that may do all that they may. */
  readonly key: string
  /** One of each. The user of A is the person who is in both tenants. */
  readonly ids: Ids
}

type Sql = TestApp['sql']

/** What stands behind `insert into`; a column may be called like a word of SQL. */
export const insertion = (table: string, row: Readonly<Record<string, unknown>>) => {
  const columns = Object.keys(row).map((name) => `"${name}"`)
  return `${table} (${columns}) values (${columns.map((_, index) => `$${index + 1}`)})`
}

export const insert = async (sql: Sql, table: string, ...rows: Record<string, unknown>[]) => {
  for (const row of rows) {
    await sql(`insert into ${insertion(table, row)}`, Object.values(row))
  }
}

export const grant = (sql: Sql, user_id: string, [role_id, tenant_id]: readonly [role: string, tenant: string]) =>
  insert(sql, 'user_roles', { user_id, role_id, tenant_id })

/** Gives a role a permission, another one than the calls name. */
export const allow = (sql: Sql, roleId: string) =>
  sql("insert into role_permissions select $1, id from permissions where code = 'menu.manage'", [roleId])

const idOf = async (sql: Sql, table: string, where: string) =>
  String((await sql(`select id from ${table} where ${where} limit 1`))[0]?.id)

/** Makes the people and rows of a side. `both` is the person who is a member of either. */
export const createSide = async (app: TestApp, letter: Letter, both: string, shared: Shared): Promise<Side> => {
  const { sql } = app
  const canary = (text: string) => `${canaryOf(letter)}-${text}`
  const { managerId, token } = await signUp(app, canary)
  const plainId = randomUUID()
  const plain = { email: `${canary('plain')}@example.org`, password_hash: canary('hash'), name: canary('Plain') }
  await insert(sql, 'users', { id: plainId, ...plain })
  const tenantIds = [randomUUID(), randomUUID()] as const
  const [tenant_id] = tenantIds
  for (const id of tenantIds) {
    await insert(sql, 'tenants', { id, slug: canary(id), name: canary('Tenant') })
    await insert(sql, 'members', { tenant_id: id, user_id: managerId, is_owner: true })
  }
  for (const user_id of [plainId, both]) await insert(sql, 'members', { tenant_id, user_id })
  const people = { managerId, plainId, both }
  const users = letter === 'a' ? both : plainId
  const ids = {
    tenants: tenant_id,
    users,
    roles: await furnishRoles(sql, canary, { tenantIds, people, letter }),
    menus: await furnishMenus(sql, canary, { tenantIds, letter }),
    permissions: await idOf(sql, 'permissions', "code = 'users.read'"),
    'api-keys': await furnishKeys(sql, canary, managerId),
    sessions: await idOf(sql, 'sessions', `user_id = '${managerId}' order by id desc`),
    ...shared.named,
    ...(
      await furnishModules(sql, { tenantId: tenant_id, canary: canaryOf(letter), ids: { ...shared.referred, users } })
    ).named,
  }
  const body = { name: canary('Key'), scopes: ['*'] }
  const { plaintext: key } = (await app.request('POST', '/api/v1/api-keys', { token, body })).body.data
  return { tenantIds, personIds: [managerId, plainId], token, key, ids }
}

/** What modules have in a tenant, or for all of them. */
export const furnishModules = (sql: Sql, place: Omit<Place, 'insert'>) =>
  furnish({ ...place, insert: (table, row) => insert(sql, table, { ...row }) })

export type Shared = Awaited<ReturnType<typeof furnishModules>>

type Canary = (text: string) => string

/** The manager, signed in twice: the token is of the older session. */
const signUp = async ({ request, sql }: TestApp, canary: Canary) => {
  const body = { email: `${canary('manager')}@example.org`, password, name: canary('Manager') }
  const headers = { 'user-agent': canary('agent') }
  const { user, tokens } = (await request('POST', '/api/v1/auth/register', { body, headers })).body.data
  await request('POST', '/api/v1/auth/login', { body, headers })
  await sql('update sessions set ip = $2 where user_id = $1', [user.id, canary('address')])
  const ticket = { hash: Buffer.from(user.id), user_id: user.id, credential_id: randomUUID(), expires_at: 'infinity' }
  await insert(sql, 'stream_tickets', { ...ticket, kind: canary('kind'), bucket: canary('bucket') })
  return { managerId: user.id as string, token: tokens.access_token as string }
}

interface Spot {
  readonly tenantIds: Side['tenantIds']
  readonly letter: Letter
}

/** Two roles with a permission, granted; one of the spare tenant; and the global ones, granted in single tenants. */
const furnishRoles = async (
  sql: Sql,
  canary: Canary,
  place: Spot & { people: { managerId: string; plainId: string; both: string } },
): Promise<string> => {
  const { people, letter } = place
  const [main, spare] = place.tenantIds
  const shared = (code: string) => idOf(sql, 'roles', `code = '${code}' and tenant_id is null`)
  await grant(sql, people.managerId, [await shared('admin'), main])
  await grant(sql, people.managerId, [await shared('helper'), spare])
  if (letter === 'b') await grant(sql, people.both, [await shared('helper'), main])
  const [first, second, ofSpare] = [randomUUID(), randomUUID(), randomUUID()]
  for (const id of [first, second, ofSpare]) {
    const texts = { code: canary(id), name: canary('Role'), description: canary('described') }
    await insert(sql, 'roles', { id, tenant_id: id === ofSpare ? spare : main, ...texts })
    await allow(sql, id)
  }
  await grant(sql, people.plainId, [first, main])
  await grant(sql, people.both, [second, main])
  await grant(sql, people.managerId, [ofSpare, spare])
  return first
}

/** An entry and one below it. Of A the lower one is named, which can be deleted; of B the upper one. */
const furnishMenus = async (sql: Sql, canary: Canary, { tenantIds, letter }: Spot): Promise<string> => {
  const [upper, lower] = [randomUUID(), randomUUID()]
  for (const id of [upper, lower]) {
    await insert(sql, 'menus', {
      id,
      tenant_id: tenantIds[0],
      parent_id: id === lower ? upper : null,
      code: canary(id),
      label: canary('Label'),
      icon: canary('icon'),
      path: canary('/path'),
      metadata: { note: canary('note') },
      required_permission_code: id === lower ? canary('needed') : null,
    })
  }
  return letter === 'a' ? lower : upper
}

const furnishKeys = async (sql: Sql, canary: Canary, user_id: string): Promise<string> => {
  const ids = [randomUUID(), randomUUID()] as const
  for (const id of ids) {
    const texts = { prefix: canary(id), name: canary('Key'), scopes: [canary('scope')] }
    await insert(sql, 'api_keys', { id, user_id, key_hash: Buffer.from(id), ...texts })
  }
  return ids[0]
}
