import { randomUUID } from 'node:crypto'
import { password } from './accounts.ts'
import type { TestApp } from './app.ts'

/** Every text of a tenant's rows begins with this and its letter, whatever case it is stored in. */
export const canaryOf = (letter: Letter) => `canary-${letter}`

export type Letter = 'a' | 'b'

/** The kinds of ids, named as the resource in the path of an entry. */
export const kinds = ['tenants', 'users', 'roles', 'menus', 'permissions', 'api-keys', 'sessions'] as const
export type Kind = (typeof kinds)[number]

/** One of two tenants with twin data. */
export interface Side {
  readonly letter: Letter
  /** The tenant, and a spare one of the same owner. */
  readonly tenantIds: readonly [main: string, spare: string]
  /** Those who are in no tenant of the other side. */
  readonly personIds: readonly string[]
  /** Of the manager, who owns the tenant and holds every permission there, and none globally. */
  readonly token: string
  /** One of each; the user of A is a member of B too. */
  readonly ids: Readonly<Record<Kind, string>>
}

export interface World {
  readonly a: Side
  readonly b: Side
  /**
   * A digest of every row that work in A must not touch, B's and those of A's spare tenant, read as the owner of the
   * schema, whom row security does not bind.
   */
  readonly digestElsewhere: () => Promise<string>
  /** Puts every row of the database back as it was when the world was made. */
  readonly restore: () => Promise<void>
}

/** What belongs to one side, by table, parents before their children. A table that is missing here fails the test. */
const owned = (tenantIds: readonly string[], personIds: readonly string[]): Record<string, string> => {
  const inTenant = `tenant_id in ('${tenantIds.join("', '")}')`
  const ofPeople = `user_id in ('${personIds.join("', '")}')`
  return {
    users: ofPeople.replace('user_id', 'id'),
    tenants: inTenant.replace('tenant_id', 'id'),
    members: inTenant,
    roles: inTenant,
    role_permissions: `role_id in (select id from roles where ${inTenant})`,
    user_roles: `${inTenant} or ${ofPeople}`,
    menus: inTenant,
    sessions: ofPeople,
    refresh_tokens: `session_id in (select id from sessions where ${ofPeople})`,
    api_keys: ofPeople,
  }
}

/** What all tenants share: `permissions` has to stand before the tables that refer to it. */
const shared = ['permissions', 'idempotency_keys', 'schema_migrations']

const tableNames = async ({ sql }: TestApp) =>
  (await sql("select tablename from pg_tables where schemaname = 'public' order by 1")).map(({ tablename }) =>
    String(tablename),
  )

/** Two tenants with the same data but for their canaries, in a database without other rows. */
export const createWorld = async (app: TestApp): Promise<World> => {
  const { sql } = app
  const both = randomUUID()
  await sql("insert into users (id, email, password_hash, name) values ($1, 'both@example.org', '', 'In Both')", [both])
  const [a, b] = [await createSide(app, 'a', both), await createSide(app, 'b', both)]
  const elsewhere = owned([...b.tenantIds, a.tenantIds[1]], b.personIds)
  const order = ['permissions', ...Object.keys(elsewhere)]
  await sql('create schema saved')
  for (const table of order) await sql(`create table saved.${table} as table ${table}`)
  const digests = Object.entries(elsewhere).map(
    ([table, isOurs]) => `select md5(string_agg(t::text, '|' order by t::text)) digest from ${table} t where ${isOurs}`,
  )
  return {
    a,
    b,
    digestElsewhere: async () => (await sql(digests.join(' union all '))).map(({ digest }) => digest).join(' '),
    async restore() {
      const emptied = [...order].reverse().map((table) => `delete from ${table}`)
      const filled = order.map((table) => `insert into ${table} select * from saved.${table}`)
      await sql(['begin', ...emptied, 'delete from idempotency_keys', ...filled, 'commit'].join('; '))
    },
  }
}

const createSide = async ({ request, sql }: TestApp, letter: Letter, both: string): Promise<Side> => {
  const canary = (text: string) => `${canaryOf(letter)}-${text}`
  const email = `${canary('manager')}@example.org`
  const signUp = { email, password, name: canary('Manager') }
  const headers = { 'user-agent': canary('agent') }
  const { user, tokens } = (await request('POST', '/api/v1/auth/register', { body: signUp, headers })).body.data
  await request('POST', '/api/v1/auth/login', { body: signUp, headers })
  const insert = async (table: string, ...rows: Record<string, unknown>[]) => {
    for (const row of rows) {
      const places = Object.keys(row).map((_, index) => `$${index + 1}`)
      await sql(`insert into ${table} (${Object.keys(row)}) values (${places})`, Object.values(row))
    }
  }
  const [tenant, spare, plain, role, menu] = Array.from({ length: 5 }, () => randomUUID()) as [
    string,
    string,
    string,
    string,
    string,
  ]
  await insert('users', {
    id: plain,
    email: `${canary('plain')}@example.org`,
    password_hash: canary('hash'),
    name: canary('Plain'),
  })
  for (const id of [tenant, spare]) {
    await insert('tenants', { id, slug: canary(id), name: canary('Tenant') })
    await insert('members', { tenant_id: id, user_id: user.id, is_owner: true })
  }
  await insert('members', { tenant_id: tenant, user_id: plain }, { tenant_id: tenant, user_id: both })
  await sql(
    "insert into user_roles (user_id, role_id, tenant_id) select $1, id, $2 from roles where code = 'admin' and is_system",
    [user.id, tenant],
  )
  const ofSpare = randomUUID()
  await insert('roles', { id: ofSpare, tenant_id: spare, code: canary('spare'), name: canary('Spare') })
  await insert('user_roles', { user_id: user.id, role_id: ofSpare, tenant_id: spare })
  for (const [index, id] of [role, randomUUID()].entries()) {
    const texts = { code: canary(`role-${index}`), name: canary('Role'), description: canary('described') }
    await insert('roles', { id, tenant_id: tenant, ...texts })
    await sql("insert into role_permissions select $1, id from permissions where code = 'users.read'", [id])
    for (const person of [plain, both]) await insert('user_roles', { user_id: person, role_id: id, tenant_id: tenant })
  }
  const texts = { icon: canary('icon'), path: canary('/path'), metadata: { note: canary('note') } }
  await insert(
    'menus',
    { id: menu, tenant_id: tenant, code: canary('menu'), label: canary('Menu'), ...texts },
    {
      id: randomUUID(),
      tenant_id: tenant,
      parent_id: menu,
      code: canary('child'),
      label: canary('Child'),
      ...texts,
      required_permission_code: canary('needed'),
    },
  )
  const keys = [randomUUID(), randomUUID()]
  for (const id of keys) {
    await insert('api_keys', {
      id,
      user_id: user.id,
      prefix: canary(id),
      key_hash: Buffer.from(id),
      name: canary('Key'),
      scopes: [canary('scope')],
    })
  }
  await sql('update sessions set ip = $2 where user_id = $1', [user.id, canary('address')])
  const [session] = await sql('select id from sessions where user_id = $1 order by id desc limit 1', [user.id])
  const [permission] = await sql("select id from permissions where code = 'users.read'")
  return {
    letter,
    tenantIds: [tenant, spare],
    personIds: [user.id, plain],
    token: tokens.access_token,
    ids: {
      tenants: tenant,
      users: letter === 'a' ? both : plain,
      roles: role,
      menus: menu,
      permissions: String(permission?.id),
      'api-keys': keys[0] ?? '',
      sessions: String(session?.id),
    },
  }
}

/** What the world lacks: tables that nobody said whose they are, and columns of text without a canary. */
export const gapsOf = async (app: TestApp, { b }: World): Promise<string[]> => {
  const rowsOfB = owned(b.tenantIds, b.personIds)
  const strangers = (await tableNames(app)).filter((table) => !(table in rowsOfB) && !shared.includes(table))
  const columns = await app.sql(
    `select table_name, column_name from information_schema.columns
     where table_schema = 'public' and (data_type in ('text', 'jsonb', 'json', 'character varying') or udt_name = '_text')`,
  )
  const gaps = strangers.map((table) => `whose are the rows of ${table}?`)
  for (const { table_name, column_name } of columns) {
    const isOurs = rowsOfB[String(table_name)]
    if (isOurs === undefined) continue
    const bird = `${column_name}::text like '%${canaryOf('b')}%'`
    const found = await app.sql(`select 1 from ${table_name} where (${isOurs}) and ${bird} limit 1`)
    if (found.length === 0) gaps.push(`no canary in ${table_name}.${column_name}`)
  }
  return gaps
}

/** Tables with rows of tenants that row security does not guard. */
export const unguardedTables = async ({ sql }: TestApp): Promise<string[]> => {
  const rows = await sql(
    `select relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname = 'public' and relkind = 'r' and not relrowsecurity and (relname = 'tenants'
       or exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'tenant_id'))`,
  )
  return rows.map(({ relname }) => String(relname))
}
