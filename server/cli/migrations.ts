import { findDrift } from '../../db/drift.ts'
import { pendingMigrations } from '../../db/migrate.ts'
import { MigrationError } from '../../db/migrationError.ts'
import type { LockHolder } from '../../db/migrationLock.ts'
import { withConnection } from '../../db/oneConnection.ts'
import { tables as ownTables } from '../../db/tables.ts'
import { modules as ownModules } from '../modules.ts'
import type { AnyModule } from '../rpc/module.ts'
import { bringUpToDate, migrationsOf } from '../schema.ts'
import type { Terminal } from './terminal.ts'

/** As bringUpToDate, and says whom it waits for when another migration takes long. */
export const migrateUp = (ownerUrl: string, { complain }: Pick<Terminal, 'complain'>) =>
  bringUpToDate(ownerUrl, { onWait: (holder) => complain(waitingFor(holder)) })

const waitingFor = ({ pid, role, application, address }: LockHolder): string =>
  `Waiting for another migration of this database: ${role} (${application}, ${address ?? 'a local socket'}, process ${pid}). ` +
  `If nobody is at work there, end it as its role: select pg_terminate_backend(${pid}).\n`

export interface Applied {
  readonly name: string
  readonly applied_at: Date
}

export interface MigrationStatus {
  readonly applied: readonly Applied[]
  readonly pending: readonly string[]
  /** What is wrong with the files, as the migration step would say it; null when they fit. */
  readonly problem: string | null
}

/** What a database has taken of the migrations, and what it lacks. */
export const readMigrationStatus = async (
  url: string,
  modules: readonly AnyModule[] = ownModules,
): Promise<MigrationStatus> => {
  const applied = await withConnection(url, async (client) => {
    const { rows } = await client.query("select to_regclass('public.schema_migrations') is not null as made")
    if (!rows[0].made) return []
    return (
      await client.query<Applied>('select name, applied_at from public.schema_migrations order by applied_at, name')
    ).rows
  })
  try {
    return { applied, pending: await pendingMigrations({ url, ...migrationsOf(modules) }), problem: null }
  } catch (error) {
    if (error instanceof MigrationError) return { applied, pending: [], problem: error.message }
    throw error
  }
}

/** What keeps a database from being what the code takes it for, a sentence each; none when all is well. */
export const verifyMigrations = async (
  url: string,
  modules: readonly AnyModule[] = ownModules,
): Promise<readonly string[]> => {
  const { pending, problem } = await readMigrationStatus(url, modules)
  if (problem !== null) return [problem]
  if (pending.length > 0) return pending.map((name) => `${name} is pending: migrate up applies it.`)
  const tables = [...ownTables, ...modules.flatMap((module) => module.tables ?? [])]
  return findDrift(url, tables)
}
