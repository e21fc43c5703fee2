import type { Client } from 'pg'
import { messageOf } from './causes.ts'
import { MigrationError } from './migrationError.ts'
import {
  type AppliedMigration,
  checksumOf,
  type Migration,
  type MigrationSource,
  type ModuleMigrations,
  pendingOf,
  readLists,
} from './migrationFiles.ts'
import { type LockHolder, takeLock } from './migrationLock.ts'
import { withConnection } from './oneConnection.ts'
import { ensureRoles } from './roles.ts'

export interface MigrateOptions {
  /** Connects as the role that owns the schema, directly: not through PgBouncer in transaction mode. */
  readonly url: string
  readonly migrations: MigrationSource
  /** Those of modules, with numbers of their own; applied behind the others, in this order. */
  readonly modules?: readonly ModuleMigrations[]
  /** Told once when another one has been migrating for longer than five seconds. */
  readonly onWait?: (holder: LockHolder) => void
}

export interface MigrateResult {
  /** The names of those that were applied just now; a module's as `invoices/0001_invoices`. */
  readonly applied: readonly string[]
  /** The name of the last one that is no module's; empty when there is none at all. */
  readonly current: string
}

const outsideTransaction = /^-- migrate: no-transaction\s*$/m
const breakpoint = '--> statement-breakpoint'

/**
 * Brings the schema up to date, each migration in a transaction of its own. Of several that run at once one does the
 * work and the others wait for it. Throws MigrationError, naming the file, with the database as the last migration that
 * succeeded left it. A file whose first line is `-- migrate: no-transaction` runs statement by statement, split where
 * drizzle-kit puts its breakpoints; it must bear to be run again from its first line.
 */
export async function migrate({ url, onWait, ...source }: MigrateOptions): Promise<MigrateResult> {
  const lists = readLists(source.migrations, source.modules ?? [])
  return connected(url, async (client) => {
    await takeLock(client, onWait ?? (() => {}))
    await prepare(client)
    const taken = await history(client)
    const pending = lists.flatMap((list) => pendingOf(list, taken))
    for (const migration of pending) await apply(client, migration)
    return { applied: pending.map(({ name }) => name), current: lists[0]?.migrations.at(-1)?.name ?? '' }
  })
}

/**
 * The names of the migrations that a database still lacks, without changing it; for readiness and for a start that does
 * not migrate. Throws MigrationError when files and database disagree. Needs SELECT on schema_migrations, which app has.
 */
export async function pendingMigrations({ url, migrations, modules = [] }: MigrateOptions): Promise<readonly string[]> {
  const lists = readLists(migrations, modules)
  return connected(url, async (client) => {
    const { rows } = await client.query("select to_regclass('public.schema_migrations') is not null as made")
    const taken = rows[0].made ? await history(client) : []
    return lists.flatMap((list) => pendingOf(list, taken)).map(({ name }) => name)
  })
}

/** Its end gives the lock back. A migration may take as long as it takes, so no statement has a limit. */
const connected = <T>(url: string, work: (client: Client) => Promise<T>): Promise<T> =>
  withConnection(url, work, { application_name: 'tsforge migrate', statement_timeout: 0 })

async function prepare(client: Client): Promise<void> {
  await ensureRoles(client)
  try {
    await client.query(historySql)
  } catch (error) {
    throw new MigrationError(`The schema cannot be changed by this role (${messageOf(error)}); migrate as its owner.`, {
      cause: error,
    })
  }
}

const historySql = `
  create table if not exists public.schema_migrations (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
  );
  grant select on public.schema_migrations to app;
  revoke create on schema public from public;
  grant usage on schema public to app, gate;
`

async function history(client: Client): Promise<AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>(
    'select name, checksum from public.schema_migrations order by name collate "C"',
  )
  return rows
}

async function apply(client: Client, migration: Migration): Promise<void> {
  const alone = outsideTransaction.test(migration.sql.split('\n', 1)[0] ?? '')
  try {
    if (alone) await runEach(client, migration)
    else await runAsOne(client, migration)
  } catch (error) {
    const state = alone ? 'statements before the failing one stay' : 'nothing of it stays'
    throw new MigrationError(`${migration.name} failed: ${messageOf(error)}; ${state}.`, { cause: error })
  }
}

async function runAsOne(client: Client, migration: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(migration.sql)
    if (client.getTransactionStatus() !== 'T') throw new Error('it ends the transaction it runs in')
    await note(client, migration)
    const { command } = await client.query('commit')
    if (command !== 'COMMIT') throw new Error('PostgreSQL rolled it back')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function runEach(client: Client, migration: Migration): Promise<void> {
  for (const statement of migration.sql.split(breakpoint)) await client.query(statement)
  await note(client, migration)
}

async function note(client: Client, migration: Migration): Promise<void> {
  await client.query('insert into public.schema_migrations (name, checksum) values ($1, $2)', [
    migration.name,
    checksumOf(migration),
  ])
}
