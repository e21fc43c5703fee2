import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type MigrateResult, migrate, pendingMigrations } from '../db/migrate.ts'
import { MigrationError } from '../db/migrationError.ts'
import type { Migration } from '../db/migrationFiles.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { withClient } from './support/testServer.ts'

const projectFolder = join(import.meta.dirname, '..')
const migrationsFolder = join(projectFolder, 'db/migrations')
const first: Migration = { name: '0001_first', sql: 'create table first (id int)' }
const second: Migration = { name: '0002_second', sql: 'create table second (id int)' }

let database: TestDatabase
beforeEach(async () => {
  database = await createDatabase({ empty: true })
})
afterEach(() => database.drop())

const apply = (...migrations: Migration[]) => migrate({ url: database.ownerUrl, migrations })
const refusal = async (...migrations: Migration[]) => {
  const error = await apply(...migrations).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(MigrationError)
  return (error as Error).message
}
const tables = () =>
  withClient(database.ownerUrl, async (client) => {
    const { rows } = await client.query(
      "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
    )
    return rows.map(({ relname }) => relname).sort()
  })

describe('migrate', () => {
  test('applies what is new, in order, once', async () => {
    expect(await apply(first)).toEqual({ applied: ['0001_first'], current: '0001_first' })
    expect(await apply(second, first)).toEqual({ applied: ['0002_second'], current: '0002_second' })
    expect(await apply(first, second)).toEqual({ applied: [], current: '0002_second' })
    expect(await tables()).toEqual(['first', 'schema_migrations', 'second'])
  })

  test('takes a folder as a path and as a URL', async () => {
    const names = readdirSync(migrationsFolder)
      .filter((name) => name.endsWith('.sql'))
      .map((name) => name.slice(0, -4))
    const options = { url: database.ownerUrl, migrations: migrationsFolder }
    expect((await migrate(options)).applied).toEqual(names.sort())
    expect((await migrate({ ...options, migrations: pathToFileURL(migrationsFolder) })).applied).toEqual([])
    expect(await pendingMigrations({ url: database.appUrl, migrations: migrationsFolder })).toEqual([])
  })

  test('tells what is pending without changing anything', async () => {
    const pending = (...migrations: Migration[]) => pendingMigrations({ url: database.ownerUrl, migrations })
    expect(await pending(first, second)).toEqual(['0001_first', '0002_second'])
    expect(await tables()).toEqual([])
    await apply(first)
    expect(await pending(first, second)).toEqual(['0002_second'])
  })

  test('of several at once one does the work', async () => {
    const results = await Promise.all([1, 2, 3].map(() => apply(first, second)))
    expect(results.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 2])
  })

  test('tells who holds the lock when it waits for long, and lets PostgreSQL notice when the waiting one is gone', async () => {
    let waiting: Promise<MigrateResult> | undefined
    await withClient(database.ownerUrl, async (client) => {
      await client.query("set application_name = 'another'; select pg_advisory_lock(x'7473666f726765'::bigint)")
      const kept = { ...first, sql: "create table first as select current_setting('tcp_keepalives_idle') as seconds" }
      const holder = await new Promise((resolve, reject) => {
        const onWait = (found: unknown) => {
          resolve(found)
          client.query('select pg_advisory_unlock_all()').catch(reject)
        }
        waiting = migrate({ url: database.ownerUrl, migrations: [kept], onWait })
        waiting.catch(reject)
      })
      expect(holder).toMatchObject({ pid: expect.any(Number), role: expect.any(String), application: 'another' })
      expect((await waiting)?.applied).toEqual(['0001_first'])
      expect((await client.query('select seconds from first')).rows).toEqual([{ seconds: '10' }])
    })
  }, 30_000)

  test('line ends do not count as a change', async () => {
    await apply({ name: '0001_first', sql: 'create table first (\n id int)\n' })
    expect((await apply({ name: '0001_first', sql: 'create table first (\r\n id int)\r\n' })).applied).toEqual([])
  })
})

describe('migrate refuses', () => {
  test('a file that was changed after it was applied', async () => {
    await apply(first)
    expect(await refusal({ ...first, sql: `${first.sql};` }, second)).toMatch(
      /^0001_first was changed .* restore the file/,
    )
    expect(await tables()).not.toContain('second')
  })

  test('a file that is gone', async () => {
    await apply(first, second)
    expect(await refusal(first)).toMatch(/^The database has taken 0002_second, which is not among/)
  })

  test('a new file before an applied one', async () => {
    await apply(first, second)
    const rename = "update schema_migrations set name = '0003_second' where name = '0002_second'"
    await withClient(database.ownerUrl, (client) => client.query(rename))
    const between = { name: '0002_between', sql: 'select 1' }
    const message = await refusal(first, between, { ...second, name: '0003_second' })
    expect(message).toMatch(/^0002_between sorts before migrations that the database has taken/)
  })

  test('a gap in the numbers, and a number twice', async () => {
    expect(await refusal(first, { name: '0003_third', sql: 'select 1' })).toMatch(/0002 is due where 0003_third stands/)
    expect(await refusal(first, { name: '0001_other', sql: 'select 1' })).toMatch(/0002 is due where 0001_other stands/)
    expect(await tables()).toEqual([])
  })

  test('a folder that is not there, and a name that is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'migrations-'))
    writeFileSync(join(folder, 'first.sql'), 'select 1')
    const attempt = (migrations: string) => migrate({ url: database.ownerUrl, migrations })
    await expect(attempt(folder)).rejects.toThrow('first.sql is not named like a migration')
    await expect(attempt(join(folder, 'none'))).rejects.toThrow(MigrationError)
    rmSync(folder, { recursive: true })
  })

  test('a role that may not change the schema, before anything happens', async () => {
    await apply(first)
    const attempt = migrate({ url: database.appUrl, migrations: [first, second] })
    await expect(attempt).rejects.toThrow(/migrate as its owner/)
  })
})

describe('a migration that fails', () => {
  const broken: Migration = { name: '0002_broken', sql: 'create table half (id int); select * from nowhere' }

  test('leaves the version before it, and says which and why', async () => {
    expect(await refusal(first, broken)).toBe(
      '0002_broken failed: relation "nowhere" does not exist; nothing of it stays.',
    )
    expect(await tables()).toEqual(['first', 'schema_migrations'])
    expect(await apply(first, second)).toMatchObject({ applied: ['0002_second'] })
  })

  test('as does one that commits on its own', async () => {
    expect(await refusal({ name: '0001_first', sql: 'create table first (id int); commit' })).toMatch(
      /ends the transaction/,
    )
  })

  test('keeps what came before in a file without a transaction, and can be run again', async () => {
    const steps = ['-- migrate: no-transaction\ncreate table if not exists half (id int);', 'select * from nowhere']
    const file = (...statements: string[]) => ({
      name: '0001_first',
      sql: statements.join('\n--> statement-breakpoint\n'),
    })
    expect(await refusal(file(...steps))).toMatch(/statements before the failing one stay/)
    expect((await apply(file(steps[0] ?? '', 'select 1'))).applied).toEqual(['0001_first'])
  })
})

test('a file without a transaction may build an index concurrently, while others wait for it', async () => {
  const index = {
    name: '0002_index',
    sql: '-- migrate: no-transaction\ncreate index concurrently if not exists first_id on first (id);--> statement-breakpoint\nanalyze first;',
  }
  const results = await Promise.all([1, 2, 3].map(() => apply(first, index)))
  expect(results.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 2])
})

test('the tables in the code are the tables of the migrations', () => {
  const folder = mkdtempSync(join(projectFolder, 'node_modules/.drift-'))
  try {
    cpSync(migrationsFolder, folder, { recursive: true })
    const before = readdirSync(folder).length
    const arguments_ = [
      'generate',
      '--dialect=postgresql',
      '--schema=./db/schema/index.ts',
      `--out=${folder.slice(projectFolder.length + 1)}`,
    ]
    const output = execFileSync(join(projectFolder, 'node_modules/.bin/drizzle-kit'), arguments_, {
      cwd: projectFolder,
      encoding: 'utf8',
    })
    expect(output).toContain('No schema changes')
    expect(readdirSync(folder)).toHaveLength(before)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
