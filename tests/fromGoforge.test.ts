/** What docs/from-goforge.md says is so: its SQL moves the data, its commands run, and what it names is there. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { argon2id } from 'hash-wasm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errors } from '../contract/errors.ts'
import { startApp, type TestApp } from './support/app.ts'
import { repository } from './support/compile.ts'
import { entries } from './support/entries.ts'
import { createNewcomer, type Newcomer } from './support/newcomer.ts'
import { snippetsOf } from './support/snippets.ts'

const name = 'docs/from-goforge.md'
const page = readFileSync(path.join(repository, name), 'utf8')

/** The cells of all rows of the tables below a heading, without their heads. */
const rowsBelow = (heading: string) => {
  const [, below = ''] = page.split(`\n${heading}\n`)
  const [section = ''] = below.split(/\n##+ /, 1)
  return section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| goforge'))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|')))
}
const codesIn = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)

/** Its tables, with the columns that they have in its migrations. */
const tablesOfGoforge = `
create schema goforge;
create table goforge.users (id uuid primary key, email text, password_hash text, name text, role text default 'user',
  created_at timestamptz default now(), updated_at timestamptz default now());
create table goforge.permissions (id uuid primary key, code text, resource text, action text, description text default '',
  created_at timestamptz default now(), updated_at timestamptz default now(), deleted_at timestamptz);
create table goforge.roles (id uuid primary key, tenant_id uuid, code text, name text, description text default '',
  is_system boolean default false, created_at timestamptz default now(), updated_at timestamptz default now(),
  deleted_at timestamptz);
create table goforge.role_permissions (role_id uuid, permission_id uuid, created_at timestamptz default now());
create table goforge.user_roles (user_id uuid, role_id uuid, tenant_id uuid, created_at timestamptz default now());
create table goforge.menus (id uuid primary key, tenant_id uuid, parent_id uuid, code text, label text, icon text, path text,
  sort_order integer, required_permission_code text, is_visible boolean default true, metadata jsonb,
  created_at timestamptz default now(), updated_at timestamptz default now(), deleted_at timestamptz);`

const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
const tenant = id(1)
const account = { email: 'ada@example.org', password: 'correct horse battery' }

const rowsOfGoforge = (passwordHash: string) => `
insert into goforge.users (id, email, password_hash, name) values ('${id(10)}', '${account.email}', '${passwordHash}', 'Ada');
insert into goforge.permissions (id, code, resource, action, deleted_at) values
  ('${id(20)}', 'users.read', 'users', 'read', null), ('${id(21)}', 'orders.ship', 'orders', 'ship', null),
  ('${id(22)}', 'orders.burn', 'orders', 'burn', now());
insert into goforge.roles (id, tenant_id, code, name, deleted_at) values
  ('${id(30)}', null, 'clerk', 'Clerk', null), ('${id(31)}', '${tenant}', 'packer', 'Packer', null),
  ('${id(32)}', null, 'admin', 'Admin', null), ('${id(33)}', null, 'clerk', 'Old clerk', now());
insert into goforge.role_permissions (role_id, permission_id) values
  ('${id(30)}', '${id(20)}'), ('${id(31)}', '${id(21)}'), ('${id(31)}', '${id(22)}'), ('${id(32)}', '${id(21)}');
insert into goforge.user_roles (user_id, role_id, tenant_id) values
  ('${id(10)}', '${id(30)}', null), ('${id(10)}', '${id(31)}', '${tenant}'), ('${id(10)}', '${id(32)}', null);
insert into goforge.menus (id, parent_id, code, label, icon, path, required_permission_code, deleted_at) values
  ('${id(40)}', null, 'gone', 'Gone', null, null, null, now()),
  ('${id(41)}', '${id(40)}', 'home', 'Home', null, '/', '', null),
  ('${id(42)}', '${id(41)}', 'people', 'People', 'user', '/people', 'users.read', null);`

describe('the SQL', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp()
    const cost = { parallelism: 2, iterations: 3, memorySize: 256, hashLength: 32 }
    const salt = new Uint8Array(16).fill(7)
    const hash = await argon2id({ ...cost, password: account.password, salt, outputType: 'encoded' })
    await app.sql(tablesOfGoforge + rowsOfGoforge(hash))
    const [sql] = snippetsOf(name).filter(({ language }) => language === 'sql')
    await app.sql(sql?.text ?? '')
  })
  afterAll(() => app?.close())

  it('moves accounts with their passwords, and what they may do', async () => {
    const { status, body } = await app.request('POST', '/api/v1/auth/login', { body: account })
    expect([status, body.data.user]).toEqual([200, expect.objectContaining({ id: id(10), name: 'Ada', role: 'user' })])
    const ask = async (address: string, headers = {}) =>
      (
        await app.request('GET', `/api/v1${address}`, {
          headers: { authorization: `Bearer ${body.data.tokens.access_token}`, ...headers },
        })
      ).body.data
    expect(await ask('/me/access')).toMatchObject({ roles: [{ id: id(30) }], permissions: ['users.read'] })
    const there = await ask('/me/access', { 'x-tenant-id': tenant })
    expect(there.permissions).toEqual(['orders.ship', 'users.read'])
    expect(await ask('/tenants')).toMatchObject({ items: [{ id: tenant, slug: `tenant-${tenant}` }] })
    expect(await ask('/menus/mine')).toMatchObject([{ code: 'home', parent_id: null, children: [{ code: 'people' }] }])
  })
})

describe('the commands', () => {
  const commands = rowsBelow('## Line by line')
    .flatMap((cells) => codesIn(cells[3]))
    .map((command) => ({ command }))
  let newcomer: Newcomer
  beforeAll(async () => {
    newcomer = await createNewcomer()
    await newcomer.serve('npm start')
    const [, lines] = snippetsOf(name).filter(({ language }) => language === 'sh')
    await newcomer.type(lines?.text ?? '')
  })
  afterAll(() => newcomer?.leave())

  it('are there', () => expect(commands.length).toBeGreaterThan(25))

  it.each(commands)('$command', { timeout: 60_000 }, async ({ command }) => {
    const long = /^npm run (prove:\w+|bench|test:pack)/.exec(command)?.[1]
    const { scripts } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8'))
    if (long !== undefined) return expect(scripts).toHaveProperty(long)
    const tests = /^npx vitest run (.+)$/.exec(command)?.[1]?.split(' ')
    if (tests) return expect(tests.filter((file) => !existsSync(path.join(repository, file)))).toEqual([])
    const output = await newcomer.type(command)
    expect(output).not.toBe('')
    // What is shown there is how a refusal looks.
    expect(output.startsWith('{"success":false')).toBe(command.includes('localhost:8080/nothing'))
  })
})

/** Its API below /api/v1. */
const routesOfGoforge = `
POST /auth/register, POST /auth/login, POST /auth/refresh, GET /auth/me,
GET /api-keys, POST /api-keys, DELETE /api-keys/{id}, GET /me/access, GET /me/sessions, DELETE /me/sessions,
DELETE /me/sessions/{id}, GET /menus/mine, GET /permissions, POST /permissions, GET /permissions/{id},
PATCH /permissions/{id}, DELETE /permissions/{id}, GET /roles, POST /roles, GET /roles/{id}, PATCH /roles/{id},
DELETE /roles/{id}, GET /roles/{id}/permissions, PUT /roles/{id}/permissions, PUT /users/{id}/roles, GET /users,
GET /menus, GET /menus/tree, POST /menus, GET /menus/{id}, PATCH /menus/{id}, DELETE /menus/{id}, GET /stream`

it('every route of goforge is there', () => {
  const ours = [...entries.values()].map(({ http: [verb, route] }) => `${verb} ${route.replace('/api/v1', '')}`)
  const theirs = routesOfGoforge.trim().split(/,\s+/)
  expect(theirs.filter((route) => !ours.includes(route))).toEqual([])
})

it('names codes and variables that there are', () => {
  const known = new Set(readFileSync(path.join(repository, '.env.example'), 'utf8').match(/\b[A-Z][A-Z0-9_]+\b/g))
  const named = rowsBelow('## Move the settings').flatMap((cells) => codesIn(cells[2]))
  expect(named.filter((variable) => /^[A-Z0-9_]+$/.test(variable) && !known.has(variable))).toEqual([])
  const codes = rowsBelow('### Codes').flatMap((cells) => codesIn(cells[2]))
  expect(codes.filter((code) => code !== 'meta.fields' && !Object.hasOwn(errors, code))).toEqual([])
  expect(codes.length + named.length).toBeGreaterThan(30)
})
