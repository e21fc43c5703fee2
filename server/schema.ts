import { fileURLToPath } from 'node:url'
import { permissions } from '../contract/vocabulary.ts'
import { type MigrateOptions, type MigrateResult, migrate } from '../db/migrate.ts'
import { type SeedResult, seed } from '../db/seed.ts'
import { modules as ownModules } from './modules.ts'
import type { AnyModule } from './rpc/module.ts'
import { orderModules } from './rpc/moduleOrder.ts'

/** From the bundle as from the source: both stand one folder below the project. */
const migrationsFolder = fileURLToPath(new URL('../db/migrations', import.meta.url))

/** The migrations that make up the schema: the project's and its modules'. Throws ModuleError as orderModules does. */
export const migrationsOf = (modules: readonly AnyModule[] = ownModules): Omit<MigrateOptions, 'url'> => ({
  migrations: migrationsFolder,
  modules: orderModules(modules).flatMap(({ name, migrations }) => (migrations ? [{ name, migrations }] : [])),
})

/** Applies what a database lacks of the migrations, and of what the program brings along: permissions and menu entries. */
export const bringUpToDate = async (
  ownerUrl: string,
  { modules = ownModules, onWait }: Pick<MigrateOptions, 'onWait'> & { readonly modules?: readonly AnyModule[] } = {},
): Promise<MigrateResult & SeedResult> => {
  const migrated = await migrate({ url: ownerUrl, ...migrationsOf(modules), ...(onWait && { onWait }) })
  const seeded = await seed(ownerUrl, { permissions, menus: orderModules(modules).flatMap(({ menus = [] }) => menus) })
  return { ...migrated, ...seeded }
}
