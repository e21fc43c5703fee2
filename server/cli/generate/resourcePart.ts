import { readdirSync } from 'node:fs'
import path from 'node:path'
import { newMigration } from '../newMigration.ts'
import type { Stage } from '../project/stage.ts'
import { contractFile } from './contractFile.ts'
import { rowSecurity } from './migrationFile.ts'
import { moduleFile } from './moduleFile.ts'
import { proceduresFile } from './proceduresFile.ts'
import { queriesFile } from './queriesFile.ts'
import { enums, enumType, type Resource } from './resource.ts'
import { sceneFile } from './sceneFile.ts'
import { tableFile } from './tableFile.ts'
import { testFile } from './testFile.ts'
import type { Part } from './writePart.ts'

/** The module of a resource. */
export const resourcePart = (resource: Resource): Part => {
  const { camels: name } = resource.names
  return {
    name,
    files: {
      [`contract/${name}.ts`]: contractFile(resource),
      [`db/schema/${name}.ts`]: tableFile(resource),
      [`server/features/${name}/module.ts`]: moduleFile(resource),
      [`server/features/${name}/procedures.ts`]: proceduresFile(resource),
      [`server/features/${name}/queries.ts`]: queriesFile(resource),
      [`tests/${name}.test.ts`]: testFile(resource),
      [`tests/scenes/${name}.ts`]: sceneFile(resource),
    },
    addTables: (stage) => {
      exportTable(stage, resource)
      migrate(stage, resource)
    },
  }
}

/** The migration of a resource that is new, as `migrate new` will name it. */
export const migrationOf = (project: string, { names }: Resource): string => {
  const taken = readdirSync(path.join(project, 'db/migrations')).filter((name) => name.endsWith('.sql'))
  return `db/migrations/${String(taken.length + 1).padStart(4, '0')}_${names.snakes}.sql`
}

const exportTable = (stage: Stage, resource: Resource) => {
  const { camels } = resource.names
  const exported = [...enums(resource).map((field) => enumType(resource, field)), camels].sort()
  const line = `export { ${exported.join(', ')} } from './${camels}.ts'\n`
  const others = stage
    .read('db/schema/index.ts')
    .split(/(?<=\n)/)
    .filter((other) => !other.endsWith(` from './${camels}.ts'\n`))
  stage.write('db/schema/index.ts', [...others, line].join(''))
  stage.run('the formatter', 'npx', 'biome', 'check', '--write', 'db/schema/index.ts')
}

/** What drizzle-kit sees in the tables; and behind a new one what it cannot see. */
const migrate = (stage: Stage, resource: Resource) => {
  const named = { name: resource.names.snakes, isEmpty: false, isInteractive: false }
  const made = newMigration({ ...named, project: stage.folder })
  if (made === undefined) return
  const text = stage.read(made)
  if (text.includes(`CREATE TABLE "${resource.names.snakes}"`))
    stage.write(made, text.trimEnd() + rowSecurity(resource))
}
