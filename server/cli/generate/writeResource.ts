import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { ForgeError } from '../forgeError.ts'
import { contractFile } from './contractFile.ts'
import { joinContract, joinServer, listedIn } from './joins.ts'
import { rowSecurity } from './migrationFile.ts'
import { moduleFile } from './moduleFile.ts'
import { proceduresFile } from './proceduresFile.ts'
import { queriesFile } from './queriesFile.ts'
import { enums, enumType, type Resource } from './resource.ts'
import { sceneFile } from './sceneFile.ts'
import { type Changes, openStage, type Stage } from './stage.ts'
import { tableFile } from './tableFile.ts'
import { testFile } from './testFile.ts'

/** The files that a resource is, by path. */
export const filesOf = (resource: Resource): Readonly<Record<string, string>> => {
  const { camels } = resource.names
  return {
    [`contract/${camels}.ts`]: contractFile(resource),
    [`db/schema/${camels}.ts`]: tableFile(resource),
    [`server/features/${camels}/module.ts`]: moduleFile(resource),
    [`server/features/${camels}/procedures.ts`]: proceduresFile(resource),
    [`server/features/${camels}/queries.ts`]: queriesFile(resource),
    [`tests/${camels}.test.ts`]: testFile(resource),
    [`tests/scenes/${camels}.ts`]: sceneFile(resource),
  }
}

/** What they change besides: lists, and what is made from the contract. */
export const alsoChanged: readonly string[] = [
  'contract/modules.ts',
  'db/schema/index.ts',
  'server/modules.ts',
  'contract/openapi.json',
  'client-sdk/kinds.ts',
  'docs/errors.md',
  'docs/rest.md',
]

/** The migration of a resource that is new. */
export const migrationOf = (project: string, { names }: Resource): string => {
  const taken = readdirSync(path.join(project, 'db/migrations')).filter((name) => name.endsWith('.sql'))
  return `db/migrations/${String(taken.length + 1).padStart(4, '0')}_${names.snakes}.sql`
}

export interface Writing {
  readonly project: string
  readonly resource: Resource
  /** Files that are there are written anew. */
  readonly isForced: boolean
  readonly runsTests: boolean
  /** Told what is being done. */
  readonly tell: (step: string) => void
}

/** Throws ForgeError when files of the resource are there and may not be written anew. */
export const refuseOverwriting = ({ project, resource, isForced }: Omit<Writing, 'tell' | 'runsTests'>): void => {
  const there = Object.keys(filesOf(resource)).filter((file) => existsSync(path.join(project, file)))
  if (there.length > 0 && !isForced)
    throw new ForgeError(
      `Nothing was done: ${there.join(', ')} ${there.length > 1 ? 'are' : 'is'} there: --force writes anew.`,
    )
}

/**
 * Writes a resource and joins it, all of it or nothing: everything is made and tried in a copy of the project first.
 * Throws ForgeError, with what failed, before a file of the project is touched.
 */
export const writeResource = ({ project, resource, runsTests, tell }: Writing): Changes => {
  const stage = openStage(project)
  try {
    for (const [file, text] of Object.entries(filesOf(resource))) stage.write(file, text)
    join(stage, resource)
    tell('writing the migration')
    const formatted = [
      ...Object.keys(filesOf(resource)),
      'db/schema/index.ts',
      'contract/modules.ts',
      'server/modules.ts',
    ]
    stage.run('the formatter', 'npx', 'biome', 'check', '--write', ...formatted)
    migrate(stage, resource)
    tell('writing the document, the client and the reference')
    stage.run('npm run generate', 'npm', 'run', '-s', 'generate')
    tell('checking the types')
    stage.run('the check of types', 'npx', 'tsc', '--noEmit')
    if (runsTests) runTests(stage, resource, tell)
    return stage.apply()
  } finally {
    stage.discard()
  }
}

const join = (stage: Stage, resource: Resource) => {
  const { camels } = resource.names
  const edit = (file: string, change: (text: string) => string) => stage.write(file, change(stage.read(file)))
  if (!listedIn(stage.read('contract/modules.ts')).includes(camels)) {
    edit('contract/modules.ts', (text) => joinContract(text, { name: camels, from: `./${camels}.ts` }))
    edit('server/modules.ts', (text) => joinServer(text, { name: camels, from: `./features/${camels}/module.ts` }))
  }
  const exported = [...enums(resource).map((field) => enumType(resource, field)), camels].sort()
  const line = `export { ${exported.join(', ')} } from './${camels}.ts'\n`
  edit('db/schema/index.ts', (text) =>
    [...text.split(/(?<=\n)/).filter((other) => !other.endsWith(` from './${camels}.ts'\n`)), line].join(''),
  )
}

/** What drizzle-kit sees in the tables, and behind a new one what it cannot see. */
const migrate = (stage: Stage, resource: Resource) => {
  const before = new Set(migrationsIn(stage))
  stage.run('drizzle-kit', 'scripts/forge.mjs', 'migrate', 'new', resource.names.snakes)
  const made = migrationsIn(stage).find((file) => !before.has(file))
  if (made === undefined) return
  const text = stage.read(made)
  if (text.includes(`CREATE TABLE "${resource.names.snakes}"`))
    stage.write(made, text.trimEnd() + rowSecurity(resource))
}

const migrationsIn = (stage: Stage) => stage.files().filter((file) => /^db\/migrations\/.*\.sql$/.test(file))

/** Of the laws those that know what a resource is. */
const laws = [
  'architecture',
  'contract',
  'openapi',
  'modules',
  'reference',
  'eventsRecorded',
  'isolationPolicies',
  'isolation',
  'forgeMigrate',
]

const runTests = (stage: Stage, { names }: Resource, tell: Writing['tell']) => {
  const run = (what: string, files: readonly string[]) => {
    tell(`running ${what}`)
    stage.run(what, 'npx', 'vitest', 'run', ...files.map((name) => `tests/${name}.test.ts`), '--reporter=dot')
  }
  stage.run('the linter', 'npx', 'biome', 'check')
  run('its tests', [names.camels])
  run('the laws', laws)
}
