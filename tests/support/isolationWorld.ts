import { randomUUID } from 'node:crypto'
import { getTableColumns, getTableName } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { modules } from '../../server/modules.ts'
import type { TestApp } from './app.ts'
import { allow, canaryOf, createSide, furnishModules, grant, insert, type Kind, type Side } from './isolationSide.ts'
import { scenes } from './scenes.ts'

export interface World {
  readonly a: Side
  readonly b: Side
  /** Rows that all tenants see and none may change. */
  readonly shared: Readonly<Partial<Record<Kind, string>>>
  /** A tenant that does not exist. */
  readonly emptyId: string
  /** A tenant with nothing but grants of roles that are not its own. */
  readonly hollowId: string
  /**
   * A digest of the rows that work in A must not touch, B's, those of A's spare tenant and those without a tenant, or
   * of those of all four tenants. Read as the owner of the schema, whom row security does not bind.
   */
  readonly digest: (of: 'elsewhere' | 'all') => Promise<string>
  /** Puts every row of the database back as it was when the world was made. */
  readonly restore: () => Promise<void>
}

const scenic = modules.filter(({ name }) => scenes.some(({ module }) => module === name))
const tablesThat = (isWanted: (table: PgTable) => boolean) =>
  scenic.flatMap(({ tables = [] }) => tables.filter(isWanted).map((table) => getTableName(table)))
const hasTenant = (table: PgTable) => 'tenant_id' in getTableColumns(table)

/** Of the modules beside the built-in ones, parents before their children: those whose rows belong to tenants, and those shared by all. */
export const moduleTables = tablesThat(hasTenant)
export const sharedModuleTables = tablesThat((table) => !hasTenant(table))

/** What belongs to tenants and people, by table, parents before their children. A table that is missing here is a gap. */
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
    stream_tickets: ofPeople,
    ...Object.fromEntries(sharedModuleTables.map((table) => [table, 'true'])),
    ...Object.fromEntries(moduleTables.map((table) => [table, inTenant])),
  }
}

/** What all tenants share, or nobody reads back. */
const shared = [
  'permissions',
  'idempotency_keys',
  'schema_migrations',
  'duties',
  'rate_limits',
  // Written by every change and read by streams alone: stream.test.ts holds who sees what.
  'events',
  'event_log',
  'event_consumers',
  'event_dead_letters',
  'event_workers',
  // When somebody changed something, read by the gates alone.
  'last_writes',
  // Of no tenant; who may write them is said by policies, which isolationPolicies.test.ts opens one by one.
  'flags',
]

/** The rows without a tenant, beside those that are owned. */
const withShared = (rows: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(rows).map(([table, isOne]) => {
      const isShared = ['roles', 'menus', 'user_roles'].includes(table) ? ' or tenant_id is null' : ''
      return [table, isOne + isShared]
    }),
  )

const digestsOf = (rows: Record<string, string>) =>
  Object.entries(rows)
    .map(
      ([table, isOne]) => `select md5(string_agg(t::text, '|' order by t::text)) digest from ${table} t where ${isOne}`,
    )
    .join(' union all ')

/** Two tenants with the same data but for their canaries, in a database without other rows. */
export const createWorld = async (app: TestApp): Promise<World> => {
  const { sql } = app
  const both = randomUUID()
  await sql("insert into users (id, email, password_hash, name) values ($1, 'both@example.org', '', 'In Both')", [both])
  const helperId = randomUUID()
  await insert(sql, 'roles', { id: helperId, code: 'helper', name: 'Helper' })
  await allow(sql, helperId)
  const menuId = randomUUID()
  await insert(sql, 'menus', { id: menuId, code: 'home', label: 'Home' })
  const ofAll = await furnishModules(sql, { tenantId: null, canary: 'shared', ids: { users: both } })
  const [a, b] = [await createSide(app, 'a', both, ofAll), await createSide(app, 'b', both, ofAll)]
  // Grants that no entry makes: a role of B held in A. Filters hold also where rows are wrong.
  const hollowId = randomUUID()
  await sql("insert into tenants (id, slug, name) values ($1, 'hollow', 'Hollow')", [hollowId])
  for (const place of [a.ids.tenants, hollowId])
    for (const person of [a.personIds[0], both]) await grant(sql, person, [b.ids.roles, place])
  const elsewhere = owned([...b.tenantIds, a.tenantIds[1]], b.personIds)
  const all = owned([...a.tenantIds, ...b.tenantIds], [...a.personIds, ...b.personIds])
  const digests = { elsewhere: digestsOf(withShared(elsewhere)), all: digestsOf(all) }
  const order = ['permissions', ...Object.keys(all)]
  await sql('create schema saved')
  for (const table of order) await sql(`create table saved.${table} as table ${table}`)
  const emptied = [...order].reverse().map((table) => `delete from ${table}`)
  const filled = order.map((table) => `insert into ${table} select * from saved.${table}`)
  const restored = ['begin', 'delete from idempotency_keys', ...emptied, ...filled, 'commit'].join('; ')
  return {
    a,
    b,
    emptyId: randomUUID(),
    hollowId,
    shared: { roles: helperId, menus: menuId, ...ofAll.named },
    digest: async (of) => (await sql(digests[of])).map(({ digest }) => digest).join(' '),
    restore: async () => void (await sql(restored)),
  }
}

/** What the world lacks: tables that nobody said whose they are, and columns of text without a canary. */
export const gapsOf = async ({ sql }: TestApp, { b }: World): Promise<string[]> => {
  const rowsOfB = owned(b.tenantIds, b.personIds)
  const tables = await sql("select tablename from pg_tables where schemaname = 'public' order by 1")
  const strangers = tables.map(({ tablename }) => String(tablename)).filter((table) => !(table in rowsOfB))
  const gaps = strangers.filter((table) => !shared.includes(table)).map((table) => `whose are the rows of ${table}?`)
  const columns = await sql(
    `select table_name, column_name from information_schema.columns
     where table_schema = 'public' and (data_type in ('text', 'jsonb', 'json', 'character varying') or udt_name = '_text')`,
  )
  for (const { table_name: table, column_name: column } of columns) {
    const isOurs = rowsOfB[String(table)]
    if (isOurs === undefined || sharedModuleTables.includes(String(table))) continue
    const bird = `"${column}"::text like '%${canaryOf('b')}%'`
    const found = await sql(`select 1 from ${table} where (${isOurs}) and ${bird} limit 1`)
    if (found.length === 0) gaps.push(`no canary in ${table}.${column}`)
  }
  return gaps
}

/** Tables with rows of tenants that row security does not guard. */
export const unguardedTables = async ({ sql }: TestApp): Promise<string[]> => {
  const rows = await sql(
    `select relname from pg_class
     where relnamespace = 'public'::regnamespace and relkind = 'r' and not relrowsecurity and (relname = 'tenants'
       or exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'tenant_id'))`,
  )
  return rows.map(({ relname }) => String(relname))
}
