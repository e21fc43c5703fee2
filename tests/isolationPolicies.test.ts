import { randomUUID } from 'node:crypto'
import { Client, type ClientBase } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { insertion } from './support/isolationSide.ts'
import { moduleTables, sharedModuleTables } from './support/isolationWorld.ts'
import { furnish as furnishModules } from './support/scenes.ts'
import { withClient } from './support/testServer.ts'

/**
 * Row security by itself, below any query of ours: what the role app can reach with SQL as bad as can be. Every command
 * is sent without conditions, so that nothing but the policies decides.
 */
const [a, b, spare] = [randomUUID(), randomUUID(), randomUUID()]
/** In whose name everything runs: a member of A and of the spare tenant, not of B. */
const person = randomUUID()
const stranger = randomUUID()
const roleOfB = randomUUID()

/** What belongs to no tenant: everybody reads it, and work in the global bucket changes it. */
const ofTheProgram = ['permissions', 'flags', ...sharedModuleTables]

/** The rows of one bucket by table; a table with policies that is missing here fails the test. */
const rowsOf = (tenant: string | null): Record<string, string> => {
  const is = tenant === null ? 'is null' : `= '${tenant}'`
  return {
    tenants: `id ${is}`,
    members: `tenant_id ${is}`,
    roles: `tenant_id ${is}`,
    role_permissions: `role_id in (select id from roles where tenant_id ${is})`,
    user_roles: `tenant_id ${is}`,
    menus: `tenant_id ${is}`,
    ...Object.fromEntries(moduleTables.map((table) => [table, `tenant_id ${is}`])),
    ...Object.fromEntries(ofTheProgram.map((table) => [table, tenant === null ? 'true' : 'false'])),
  }
}
const tables = Object.keys(rowsOf(a))
/** Added to by everybody, read by nobody as app. */
const appendOnly = ['events']
const stampOf = (table: string) => (table === 'members' ? 'joined_at' : 'created_at')
/** The person of the transaction finds their own memberships wherever they are. */
const ownElsewhere: Record<string, string> = {
  members: `user_id = '${person}'`,
  tenants: `id in (select tenant_id from members where user_id = '${person}')`,
}
const sharedWithTenants = ['roles', 'role_permissions', 'user_roles', 'menus']
const isShared = (table: string, bucket: string | undefined) =>
  ofTheProgram.includes(table) || (bucket !== undefined && sharedWithTenants.includes(table))

let database: TestDatabase
let owner: Client
let app: Client

const furnish = async (tenant: string | null, member: string) => {
  const role = tenant === b ? roleOfB : randomUUID()
  const insert = (text: string, ...values: unknown[]) => owner.query(`insert into ${text}`, values)
  if (tenant !== null) {
    await insert('tenants (id, slug, name) values ($1, $2, $2)', tenant, tenant)
    await insert('members (tenant_id, user_id) values ($1, $2)', tenant, member)
  }
  await insert('roles (id, tenant_id, code, name) values ($1, $2, $3, $3)', role, tenant, role)
  await insert('role_permissions select $1, id from permissions limit 1', role)
  await insert('user_roles (user_id, role_id, tenant_id) values ($1, $2, $3)', member, role, tenant)
  await insert('menus (id, tenant_id, code, label) values ($1, $2, $3, $3)', randomUUID(), tenant, role)
  const { referred } = await furnishModules({
    tenantId: tenant,
    canary: `row-${role}`,
    ids: { ...shared, users: member },
    insert: async (table, row) => {
      await insert(insertion(table, row), ...Object.values(row))
    },
  })
  if (tenant === null) shared = referred
}

/** Ids of the rows of modules that all tenants share. */
let shared: Readonly<Record<string, string>> = {}

beforeAll(async () => {
  database = await createDatabase()
  owner = new Client({ connectionString: database.ownerUrl })
  app = new Client({ connectionString: database.appUrl })
  await Promise.all([owner.connect(), app.connect()])
  for (const id of [person, stranger])
    await owner.query("insert into users (id, email, password_hash, name) values ($1, $2, '', 'Ada')", [id, id])
  for (const tenant of [null, a, spare]) await furnish(tenant, person)
  await owner.query("insert into flags (name, rules) values ('registration', '[]')")
  await furnish(b, stranger)
  // Nothing but the policies is to decide, so rows that others refer to can be deleted too.
  const { rows } = await owner.query(
    "select conrelid::regclass as table, conname as name from pg_constraint where contype = 'f' and confdeltype = 'a'",
  )
  for (const { table, name } of rows) await owner.query(`alter table ${table} drop constraint ${name}`)
})
afterAll(async () => {
  await Promise.all([owner.end(), app.end()])
  await database.drop()
})

const count = async (client: ClientBase, table: string, where = 'true') =>
  Number((await client.query(`select count(*) from ${table} where ${where}`)).rows[0].count)

/** Runs one statement as app in a bucket and takes it back. The number of rows, or the SQLSTATE of the refusal. */
const attempt = async (bucket: string | undefined, text: string, values: unknown[] = []) => {
  await app.query('begin')
  try {
    if (bucket !== undefined) await app.query(`set local app.tenant_id = '${bucket}'`)
    await app.query(`set local app.user_id = '${person}'`)
    return (await app.query(text, values)).rowCount
  } catch (error) {
    return (error as { code?: string }).code
  } finally {
    await app.query('rollback')
  }
}

/** Where a bucket reaches rows that are not its own, or not those that are. */
const breachesOf = async (bucket: string | undefined, among: readonly string[] = tables): Promise<string[]> => {
  const breaches: string[] = []
  const rows = rowsOf(bucket === 'global' ? null : (bucket ?? randomUUID()))
  for (const table of among) {
    const own = rows[table] ?? 'false'
    const isSeen = [
      ...(bucket === undefined ? ['false'] : [own]),
      ...(isShared(table, bucket) ? [rowsOf(null)[table]] : []),
      ...(ownElsewhere[table] === undefined ? [] : [ownElsewhere[table]]),
    ].join(' or ')
    const mine = bucket === undefined ? 0 : await count(owner, table, own)
    const outcomes = {
      seen: [await attempt(bucket, `select from ${table}`), await count(owner, table, isSeen)],
      changed: [await attempt(bucket, `update ${table} set ${stampOf(table)} = now()`), mine],
      removed: [await attempt(bucket, `delete from ${table}`), mine],
    }
    for (const [verb, [got, expected]] of Object.entries(outcomes)) {
      if (got !== expected) breaches.push(`${table} in ${bucket}: ${verb} ${got} instead of ${expected}`)
    }
    breaches.push(...(await insertsInto(table, bucket)))
  }
  return breaches
}

/** Rows of other buckets, offered once more: the refusal of row security comes before that of any other constraint. */
const insertsInto = async (table: string, bucket: string | undefined): Promise<string[]> => {
  const breaches: string[] = []
  for (const other of [a, b, null] as const) {
    if ((other ?? 'global') === bucket) continue
    const { rows } = await owner.query(`select to_json(t) row from ${table} t where ${rowsOf(other)[table]} limit 1`)
    if (rows.length === 0) continue
    const text = `insert into ${table} select * from json_populate_record(null::${table}, $1)`
    const got = await attempt(bucket, text, [JSON.stringify(rows[0].row)])
    if (got !== '42501') breaches.push(`${table} in ${bucket}: a row of ${other} is answered ${got}`)
  }
  return breaches
}

/** How a row of A would become one of B. Permissions and flags have no tenant. */
const moves: Record<string, string> = {
  tenants: `id = '${b}'`,
  members: `tenant_id = '${b}'`,
  roles: `tenant_id = '${b}'`,
  role_permissions: `role_id = '${roleOfB}'`,
  user_roles: `tenant_id = '${b}'`,
  menus: `tenant_id = '${b}'`,
  ...Object.fromEntries(moduleTables.map((table) => [table, `tenant_id = '${b}'`])),
}
const move = (table: string) =>
  moves[table] === undefined ? '42501' : attempt(a, `update ${table} set ${moves[table]}`)

describe('row security by itself', () => {
  it('has a rule for every table with policies, and policies for every table with a tenant', async () => {
    const { rows } = await owner.query("select distinct tablename from pg_policies where 'app' = any(roles)")
    expect(rows.map(({ tablename }) => tablename).sort()).toEqual([...tables, ...appendOnly].sort())
  })

  it.each(['app', 'gate'] as const)('binds the role %s', async (role) => {
    const url = database[`${role}Url`]
    const bypasses = 'select rolbypassrls or rolsuper as free from pg_roles where rolname = current_user'
    expect(await withClient(url, async (client) => (await client.query(bypasses)).rows)).toEqual([{ free: false }])
  })

  it.each(['one tenant', 'another one', 'global', 'no bucket'])(
    'in %s reaches the rows of the bucket and no others',
    async (name) => {
      const bucket = { 'one tenant': a, 'another one': b, global: 'global' }[name]
      expect(await breachesOf(bucket)).toEqual([])
    },
  )

  const event = (tenant: string | null, position: number | null = null): [string, unknown[]] => [
    "insert into events (tenant_id, position, topic, target, payload) values ($1, $2, 't', 't', '{}')",
    [tenant, position],
  ]

  it('takes an event of the bucket or of no tenant, without a position, and shows none', async () => {
    expect(await attempt(a, ...event(a))).toBe(1)
    expect(await attempt(a, ...event(null))).toBe(1)
    expect(await attempt(undefined, ...event(null))).toBe(1)
    for (const bucket of [a, 'global', undefined]) expect(await attempt(bucket, ...event(b))).toBe('42501')
    expect(await attempt(a, ...event(a, 7))).toBe('42501')
    for (const verb of ['select from', 'delete from', 'update'])
      expect(await attempt(a, `${verb} events${verb === 'update' ? ' set topic = topic' : ''}`)).toBe('42501')
  })

  it('lets no row move to another tenant', async () => {
    for (const table of Object.keys(moves)) expect([table, await move(table)]).toEqual([table, '42501'])
  })

  it('is noticed when one policy lets everything through', async () => {
    const { rows } = await owner.query(
      "select policyname, tablename, qual, with_check from pg_policies where 'app' = any(roles) and qual is distinct from 'true' and tablename <> all ($1)",
      [appendOnly],
    )
    const missed: string[] = []
    for (const { policyname, tablename, qual, with_check: check } of rows) {
      for (const [clause, condition] of [
        ['using', qual],
        ['with check', check],
      ]) {
        if (!condition) continue
        await owner.query(`alter policy ${policyname} on ${tablename} ${clause} (true)`)
        const breaches = [...(await breachesOf(a, [tablename])), ...(await breachesOf('global', [tablename]))]
        const moved = await move(tablename)
        await owner.query(`alter policy ${policyname} on ${tablename} ${clause} (${condition})`)
        if (breaches.length === 0 && moved === '42501') missed.push(`${policyname} ${clause}`)
      }
    }
    console.log(`${rows.length} policies opened one by one`)
    expect(missed).toEqual([])
  })
})
