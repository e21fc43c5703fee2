import type { Client } from 'pg'
import { withConnection } from '../db/oneConnection.ts'

/** What a size comes to: so many people with a session and a role each, menu entries and events; a hundredth of roles and tenants. */
export interface Filling {
  readonly rows: number
  /** E-mails of people who are there already: they hold two roles of their own and see two entries of their own. */
  readonly people: readonly string[]
  /** E-mails of those among them who administer. */
  readonly admins: readonly string[]
}

/** Fills the tables that grow with a product up to a size, with rows that concern none of the people who ask. */
export const fillWithOthers = (ownerUrl: string, filling: Filling): Promise<void> =>
  withConnection(ownerUrl, async (client) => {
    await withoutForeignKeys(client, async () => {
      await fillPeople(client, filling)
      await fillRoles(client, filling)
      await fillMenus(client, filling)
      await fillEvents(client, filling)
    })
    await client.query('vacuum analyze')
  })

/** Checking them for all rows at once in the end takes a fraction of the time that row by row takes. */
const withoutForeignKeys = async (client: Client, work: () => Promise<void>): Promise<void> => {
  const { rows } = await client.query<{ table: string; name: string; definition: string }>(
    `select conrelid::regclass::text as table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`,
  )
  for (const { table, name } of rows) await client.query(`alter table ${table} drop constraint ${name}`)
  await work()
  for (const { table, name, definition } of rows)
    await client.query(`alter table ${table} add constraint ${name} ${definition}`)
}

const fillPeople = async (client: Client, { rows, people }: Filling) => {
  const others = Math.max(0, rows - people.length)
  await client.query(
    `insert into users (id, email, name, password_hash)
     select uuidv7(), 'other-' || n || '@example.org', 'Grace Hopper', repeat('x', 97) from generate_series(1, $1::int) n`,
    [others],
  )
  await client.query(
    `insert into sessions (id, user_id, expires_at)
     select uuidv7(), id, now() + interval '30 days' from users where email like 'other-%'`,
  )
  const groups = Math.max(1, rows / 100)
  await client.query(
    `insert into tenants (id, slug, name) select uuidv7(), 'tenant-' || n, 'Tenant' from generate_series(1, $1::int) n`,
    [groups],
  )
  await client.query(
    `with numbered as (select id, row_number() over () as n from users where email like 'other-%')
     insert into members (tenant_id, user_id)
     select tenants.id, numbered.id from numbered join tenants on tenants.slug = 'tenant-' || (1 + n % $1::int)`,
    [groups],
  )
}

const fillRoles = async (client: Client, { rows, people, admins }: Filling) => {
  const groups = Math.max(1, rows / 100)
  await client.query(
    `insert into permissions (id, code, resource, action)
     values (uuidv7(), 'own.thing', 'own', 'thing'), (uuidv7(), 'foreign.thing', 'foreign', 'thing')`,
  )
  await client.query(
    `insert into roles (id, code, name) select uuidv7(), 'other-' || n, 'Role' from generate_series(1, $1::int) n
     union all values (uuidv7(), 'own-1', 'Role'), (uuidv7(), 'own-2', 'Role')`,
    [groups],
  )
  await client.query(
    `insert into role_permissions (role_id, permission_id) select roles.id, permissions.id from roles join permissions
     on permissions.code = case when roles.code like 'own-%' then 'own.thing' else 'foreign.thing' end
     where roles.code ~ '^(own|other)-'`,
  )
  await client.query(
    `with numbered as (select id, row_number() over () as n from users where email like 'other-%')
     insert into user_roles (user_id, role_id)
     select numbered.id, roles.id from numbered join roles on roles.code = 'other-' || (1 + n % $1::int)`,
    [groups],
  )
  await client.query(
    `insert into user_roles (user_id, role_id)
     select users.id, roles.id from users, roles where roles.tenant_id is null
       and (users.email = any($1) and roles.code like 'own-%' or users.email = any($2) and roles.code = 'admin')`,
    [people, admins],
  )
}

/** Half of them are global, half are of tenants. */
const fillMenus = async (client: Client, { rows }: Filling) => {
  await client.query(
    `insert into menus (id, tenant_id, code, label, required_permission_code)
     select uuidv7(), tenants.id, 'entry-' || n, 'Entry', 'foreign.thing'
     from generate_series(1, $1::int) n left join tenants on n % 2 = 0 and tenants.slug = 'tenant-' || (1 + n % $2::int)`,
    [rows, Math.max(1, rows / 100)],
  )
  await client.query(
    `insert into menus (id, code, label, required_permission_code)
     values (uuidv7(), 'own-1', 'Own', 'own.thing'), (uuidv7(), 'own-2', 'Own', 'own.thing')`,
  )
}

/** As numbered as if they had been told already. */
const fillEvents = async (client: Client, { rows }: Filling) => {
  await client.query(
    `insert into events (position, topic, target, payload)
     select n, 'menu.created', uuidv7(), '{"code": "code", "label": "Menu"}' from generate_series(1, $1::int) n`,
    [rows],
  )
  await client.query('update event_log set last_position = $1', [rows])
}
