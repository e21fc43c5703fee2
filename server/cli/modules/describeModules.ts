import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { getTableName } from 'drizzle-orm'
import { modules as added } from '../../../contract/modules.ts'
import { projectFolder } from '../../projectFolder.ts'
import type { AnyModule } from '../../rpc/module.ts'
import type { MigrationStatus } from '../migrations.ts'

export interface ModuleDescription {
  readonly name: string
  readonly kind: 'built-in' | 'added'
  /** The file that defines it, seen from the project; null where there are no sources. */
  readonly from: string | null
  readonly needs: readonly string[]
  readonly entries: readonly string[]
  readonly tables: readonly string[]
  /** Its own migrations as the database has them; null when the database was not asked. */
  readonly migrations: { readonly applied: readonly string[]; readonly pending: readonly string[] } | null
}

/** What is known of each module, in the order in which they are started. */
export const describeModules = (
  modules: readonly AnyModule[],
  status: MigrationStatus | undefined,
): readonly ModuleDescription[] => {
  const file = path.join(projectFolder, 'server/modules.ts')
  const list = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return modules.map(({ name, contract, needs = [], tables = [] }) => ({
    name,
    kind: Object.hasOwn(added, name) ? 'added' : 'built-in',
    from: sourceOf(list, name),
    needs,
    entries: Object.keys(contract),
    tables: tables.map((table) => getTableName(table)),
    migrations: status === undefined ? null : migrationsOf(name, status),
  }))
}

const sourceOf = (list: string, name: string): string | null => {
  const imported = [...list.matchAll(/^import \{ ([^}]+) \} \w+ '(.+)'$/gm)]
  const [, , from] = imported.find(([, names]) => names?.split(', ').includes(name)) ?? []
  return from === undefined ? null : path.posix.join('server', from)
}

const migrationsOf = (name: string, { applied, pending }: MigrationStatus) => {
  const isOwn = (migration: string) => migration.startsWith(`${name}/`)
  return { applied: applied.map((one) => one.name).filter(isOwn), pending: pending.filter(isOwn) }
}
