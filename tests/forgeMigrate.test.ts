import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readMigrationStatus, verifyMigrations } from '../server/cli/migrations.ts'
import { newMigration } from '../server/cli/newMigration.ts'
import { modules } from '../server/modules.ts'
import { projectFolder } from '../server/projectFolder.ts'
import { bringUpToDate } from '../server/schema.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { forge, variablesOf } from './support/forge.ts'
import { withClient } from './support/testServer.ts'

describe('migrate', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase({ empty: true })
  })
  afterAll(() => database.drop())
  const migrate = (...args: string[]) => forge(['migrate', ...args], variablesOf(database))
  const sql = (text: string) => withClient(database.ownerUrl, (client) => client.query(text))

  it('status and verify tell of an empty database without changing it; up applies all, once', async () => {
    const before = JSON.parse((await migrate('status', '--json')).out)
    expect(before).toEqual({ applied: [], pending: expect.arrayContaining(['0001_accounts']), problem: null })
    const verified = await migrate('verify')
    expect([verified.code, verified.out]).toEqual([1, expect.stringContaining('0001_accounts is pending')])
    expect(JSON.parse((await migrate('status', '--json')).out)).toEqual(before)

    const up = await migrate('up', '--json')
    expect([up.code, JSON.parse(up.out).applied]).toEqual([0, before.pending])
    expect(await migrate('up')).toEqual({ code: 0, out: 'Nothing was pending.\n', err: '' })
    const { applied, pending } = JSON.parse((await migrate('status', '--json')).out)
    expect([pending, applied.map(({ name }: { name: string }) => name).sort()]).toEqual([
      [],
      [...before.pending].sort(),
    ])
    expect((await migrate('status')).out).toMatch(/^0001_accounts +applied +\d{4}-\d\d-\d\dT/)
    expect(await migrate('verify')).toEqual({ code: 0, out: 'Files, database and code agree.\n', err: '' })
  })

  it('up says whom it waits for, and goes on when that one is gone', async () => {
    const said = /^Waiting for another migration of this database: owner \(another, .*process (\d+)\)\. .*terminate/
    await withClient(database.ownerUrl, async (client) => {
      await client.query("set application_name = 'another'; select pg_advisory_lock(x'7473666f726765'::bigint)")
      const onComplaint = () => void client.query('select pg_advisory_unlock_all()')
      const { code, out, err } = await forge(['migrate', 'up'], variablesOf(database), { onComplaint })
      expect([code, out, err]).toEqual([0, 'Nothing was pending.\n', expect.stringMatching(said)])
    })
  })

  it('verify names each difference between the tables in the code and those of the database', async () => {
    await sql(`
      create table stray (id int);
      alter table menus add column extra text, alter column label type varchar(70), alter column icon drop not null;
      alter table sessions alter column user_agent set default '', drop constraint sessions_user_id_users_id_fk;
      create index menus_extra on menus (extra)`)
    const { code, out, err } = await migrate('verify', '--json')
    await sql(`
      drop table stray;
      alter table menus drop column extra, alter column label type text, alter column icon set not null`)
    expect(code).toBe(1)
    expect(err).toMatch(/^\d+ things do not agree: apply what is pending/)
    const { problems } = JSON.parse(out)
    expect(problems).toEqual(
      expect.arrayContaining([
        'table stray is in the database and not in the code',
        'column menus.extra is in the database and not in the code',
        expect.stringMatching(
          /^column menus\.label is text not null.* in the code and character varying\(70\) not null/,
        ),
        expect.stringMatching(/^column menus\.icon is text not null/),
        'menus_extra of menus is in the database and not in the code',
        'sessions_user_id_users_id_fk of sessions is in the code and not in the database',
      ]),
    )
  })

  it('says what is wrong with the files, in status and in verify', async () => {
    await sql("update schema_migrations set checksum = 'another' where name = '0002_idempotency'")
    const [status, verify] = [await migrate('status'), await migrate('verify')]
    expect([status.code, verify.code]).toEqual([1, 1])
    expect(status.err).toMatch(/^0002_idempotency was changed after the database took it; restore the file/)
    expect(verify.out).toBe(status.err)
  })

  it('says what to do about a database that does not answer, and one that the role may not change', async () => {
    const away = { ...variablesOf(database), DATABASE_URL: 'postgres://a:b@127.0.0.1:1/x' }
    const run = await forge(['migrate', 'status'], away)
    expect([run.code, run.err]).toEqual([1, expect.stringMatching(/^The database of DATABASE_URL does not answer/)])
    const ownerAway = await forge(['migrate', 'status'], {
      ...variablesOf(database),
      DATABASE_MIGRATE_URL: 'postgres://a:b@127.0.0.1:1/x',
    })
    expect(ownerAway.err).toMatch(
      /^The database of DATABASE_MIGRATE_URL does not answer: start it or correct the address\.$/m,
    )
    const empty = await createDatabase({ empty: true })
    const weak = await forge(['migrate', 'up'], { ...variablesOf(empty), DATABASE_MIGRATE_URL: empty.appUrl })
    await empty.drop()
    expect([weak.code, weak.err]).toEqual([1, expect.stringMatching(/migrate as its owner/)])
  })
})

it('counts migrations and tables of added modules as the own ones', async () => {
  const database = await createDatabase()
  try {
    const { ownerUrl } = database
    const tables = [pgTable('crates', { code: text('code').notNull(), weight: integer('weight') })]
    const migrations = [{ name: '0001_crates', sql: 'create table crates (code text not null, weight integer);' }]
    const pack = { name: 'crates', contract: {}, handlers: {}, tables, migrations }
    const added = [...modules.filter(({ name }) => name !== pack.name), pack]
    expect(await verifyMigrations(ownerUrl, added)).toEqual(
      expect.arrayContaining(['crates/0001_crates is pending: migrate up applies it.']),
    )
    await bringUpToDate(ownerUrl, { modules: added })
    const { applied, pending } = await readMigrationStatus(ownerUrl, added)
    expect([applied.map(({ name }) => name), pending]).toEqual([
      expect.arrayContaining(['0001_accounts', 'crates/0001_crates']),
      [],
    ])
    expect(await verifyMigrations(ownerUrl, added)).toEqual([])
    await withClient(ownerUrl, (client) => client.query('alter table crates add column extra text'))
    expect(await verifyMigrations(ownerUrl, added)).toEqual([
      'column crates.extra is in the database and not in the code',
    ])
  } finally {
    await database.drop()
  }
})

describe('migrate new', () => {
  let folder = ''
  beforeAll(() => {
    const copy = mkdtempSync(path.join(projectFolder, 'node_modules/.migrations-'))
    cpSync(path.join(projectFolder, 'db/migrations'), copy, { recursive: true })
    folder = path.relative(projectFolder, copy)
  })
  afterAll(() => rmSync(path.join(projectFolder, folder), { recursive: true }))

  it('makes the next number for statements by hand, and says when the schema has not changed', async () => {
    const file = newMigration({ name: 'fill_totals', isEmpty: true, folder, isInteractive: false }) ?? ''
    expect(path.basename(file)).toMatch(/^\d{4}_fill_totals\.sql$/)
    expect(readFileSync(path.join(projectFolder, file), 'utf8')).toMatch(/^--/)
    expect(newMigration({ name: 'nothing', isEmpty: false, folder, isInteractive: false })).toBeUndefined()
    const { code, err } = await forge(['migrate', 'new', 'nothing'], {})
    expect([code, err]).toEqual([1, expect.stringContaining('add --empty for statements of your own')])
  })

  it.each(['Add', '1st', 'a b', '../x'])('refuses the name %s', async (name) => {
    const { code, err } = await forge(['migrate', 'new', name], {})
    expect([code, err]).toEqual([2, expect.stringMatching(/^Nothing was done: a name is/)])
  })
})
