import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspectRole } from '../db/roles.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { withClient } from './support/testServer.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

const denied = { code: '42501' }
const as = (role: 'app' | 'gate' | 'owner', sql: string) =>
  withClient(database[`${role}Url`], (client) => client.query(sql))

describe('the role gate', () => {
  test('reads who is calling', async () => {
    await as('gate', 'select * from sessions')
    await as('gate', 'select id, email, name, disabled_at, created_at, updated_at from users')
  })

  test.each([
    'select password_hash from users',
    'select * from users',
    'select * from refresh_tokens',
    `insert into sessions (id, user_id, expires_at) values ('${randomUUID()}', '${randomUUID()}', now())`,
    'update sessions set revoked_at = null',
    'update users set disabled_at = null',
    'delete from sessions',
    'create table mine (id int)',
    'set role app',
  ])('may not: %s', async (sql) => {
    await expect(as('gate', sql)).rejects.toMatchObject(denied)
  })
})

describe('the role app', () => {
  test('reads and writes rows, and may become gate', async () => {
    const id = randomUUID()
    await as('app', `insert into users (id, email, password_hash, name) values ('${id}', '${id}', 'none', 'Ada')`)
    await as('app', `update users set name = 'Grace' where id = '${id}'`)
    await as('app', `delete from users where id = '${id}'`)
    await as('app', 'set role gate')
  })

  test.each([
    'create table mine (id int)',
    'create schema mine',
    'alter table users disable row level security',
    'drop table users',
    'truncate users',
    "insert into schema_migrations (name, checksum) values ('0002_mine', '')",
  ])('may not: %s', async (sql) => {
    await expect(as('app', sql)).rejects.toMatchObject(denied)
  })
})

test.each(['app', 'gate'] as const)('the role %s may not become the owner', async (role) => {
  const owner = new URL(database.ownerUrl).username
  await expect(as(role, `set role ${owner}`)).rejects.toMatchObject(denied)
})

describe('inspectRole', () => {
  test('tells the owner from the application', async () => {
    const common = { isSuperuser: false, bypassesRls: false, serverSupported: true }
    expect(await inspectRole(database.ownerUrl)).toMatchObject({ ...common, ownsTables: true })
    expect(await inspectRole(database.appUrl)).toMatchObject({ ...common, role: 'app', ownsTables: false })
    expect(await inspectRole(database.gateUrl)).toMatchObject({ ...common, role: 'gate', ownsTables: false })
  })
})
