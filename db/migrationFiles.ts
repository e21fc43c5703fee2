import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf } from './causes.ts'
import { MigrationError } from './migrationError.ts'

/** One step of the schema. */
export interface Migration {
  /** `0001_accounts`: the file's name without its ending. */
  readonly name: string
  readonly sql: string
}

/** One step that a database has taken. */
export interface AppliedMigration {
  readonly name: string
  readonly checksum: string
}

/** The steps of one list; `module` is '' for those that are no module's. */
export interface MigrationList {
  readonly module: string
  readonly migrations: readonly Migration[]
}

/** A module's migrations as it has them: their names are numbered for themselves. */
export interface ModuleMigrations {
  readonly name: string
  readonly migrations: MigrationSource
}

/** A folder, as a path or a file URL, or the migrations themselves. */
export type MigrationSource = string | URL | readonly Migration[]

const fileName = /^\d{4}_\w+\.sql$/

/** The migrations in order. Throws MigrationError for a folder that cannot be read or that has a gap in its numbers. */
function readMigrations(source: MigrationSource): readonly Migration[] {
  const migrations = typeof source === 'string' || source instanceof URL ? readFolder(source) : source
  const sorted = [...migrations].sort((a, b) => (a.name < b.name ? -1 : 1))
  sorted.forEach(({ name }, index) => {
    const number = String(index + 1).padStart(4, '0')
    if (!name.startsWith(`${number}_`)) {
      throw new MigrationError(
        `The migrations are numbered without gaps or repeats, and ${number} is due where ${name} stands; rename it.`,
      )
    }
  })
  return sorted
}

/**
 * The lists that make up the schema: first the project's own, then those of the modules, whose names get the module's in
 * front: `invoices/0001_invoices`. Throws MigrationError as readMigrations does.
 */
export function readLists(own: MigrationSource, modules: readonly ModuleMigrations[]): readonly MigrationList[] {
  const listOf = ({ name: module, migrations }: ModuleMigrations) => ({
    module,
    migrations: readMigrations(migrations).map(({ name, sql }) => ({ name: `${module}/${name}`, sql })),
  })
  return [{ module: '', migrations: readMigrations(own) }, ...modules.map(listOf)]
}

/** `invoices` of `invoices/0001_invoices`; '' for those that are no module's. */
const moduleOf = (name: string) => (name.includes('/') ? (name.split('/', 1)[0] ?? '') : '')

function readFolder(folder: string | URL): Migration[] {
  const path = folder instanceof URL || folder.startsWith('file:') ? fileURLToPath(folder) : folder
  try {
    const names = readdirSync(path).filter((name) => name.endsWith('.sql'))
    const stray = names.find((name) => !fileName.test(name))
    if (stray) throw new MigrationError(`${stray} is not named like a migration (0001_accounts.sql); rename it.`)
    return names.map((name) => ({ name: name.slice(0, -'.sql'.length), sql: readFileSync(join(path, name), 'utf8') }))
  } catch (error) {
    if (error instanceof MigrationError) throw error
    throw new MigrationError(`The migrations in ${path} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
}

/** SHA-256 of the text; line ends do not count, since git may change them. */
export function checksumOf({ sql }: Migration): string {
  return createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex')
}

/**
 * The migrations of a list that a database has yet to take; what it took of other lists does not count. Throws
 * MigrationError unless those it took are, unchanged and in order, the first of `migrations`: anything else is a file that
 * was edited, deleted, or put before one that has run.
 */
export function pendingOf(
  { module, migrations }: MigrationList,
  taken: readonly AppliedMigration[],
): readonly Migration[] {
  const applied = taken.filter(({ name }) => moduleOf(name) === module)
  const known = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const { name, checksum } of applied) {
    const migration = known.get(name)
    if (!migration)
      throw new MigrationError(
        `The database has taken ${name}, which is not among the migrations; deploy the version that has it.`,
      )
    if (checksumOf(migration) !== checksum) {
      throw new MigrationError(
        `${name} was changed after the database took it; restore the file and put the change into a new migration.`,
      )
    }
  }
  const late = migrations.slice(0, applied.length).find(({ name }) => !applied.some((taken) => taken.name === name))
  if (late)
    throw new MigrationError(
      `${late.name} sorts before migrations that the database has taken; give it the next number.`,
    )
  return migrations.slice(applied.length)
}
