import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { permissions } from '../contract/vocabulary.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { programAt } from './support/programs.ts'
import { startServer } from './support/serverProcess.ts'
import { withClient } from './support/testServer.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase({ empty: true })
})
afterAll(() => database.drop())

test('of server processes that start at once on an empty database one migrates, and all serve', async () => {
  const environment = {
    DATABASE_URL: database.appUrl,
    DATABASE_GATE_URL: database.gateUrl,
    DATABASE_MIGRATE_URL: database.ownerUrl,
    MIGRATE_ON_START: 'true',
  }
  const start = () => startServer({ program: programAt('main'), environment })
  const servers = await Promise.all([start(), start(), start()])
  try {
    const said = (sentence: string) => servers.flatMap(({ lines }) => lines.filter((line) => line.includes(sentence)))
    expect([said('migrations applied').length, said('permissions added').length]).toEqual([1, 1])
    const files = readdirSync(join(import.meta.dirname, '../db/migrations')).filter((name) => name.endsWith('.sql'))
    const { rows } = await withClient(database.ownerUrl, (client) =>
      client.query(`
        select (select count(*)::int from schema_migrations where name not like '%/%') as migrations,
          (select count(*)::int from permissions) as permissions,
          (select count(*)::int from roles where code = 'admin' and tenant_id is null) as administrators`),
    )
    expect(rows).toEqual([
      { migrations: files.length, permissions: Object.keys(permissions).length, administrators: 1 },
    ])
    const ready = await Promise.all(servers.map(({ url }) => fetch(`${url}/readyz`)))
    expect(ready.map(({ status }) => status)).toEqual([200, 200, 200])
  } finally {
    expect(await Promise.all(servers.map(({ stop }) => stop()))).toEqual([0, 0, 0])
  }
})
