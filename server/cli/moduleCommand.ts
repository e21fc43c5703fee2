import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { modules as added } from '../../contract/modules.ts'
import { modules } from '../modules.ts'
import { projectFolder } from '../projectFolder.ts'
import { orderModules } from '../rpc/moduleOrder.ts'
import { withAddresses } from './commandDatabase.ts'
import { ForgeError } from './forgeError.ts'
import { readMigrationStatus } from './migrations.ts'
import { isListed, type ListChange, listModule, unlistModule } from './modules/changeList.ts'
import { describeModules, type ModuleDescription } from './modules/describeModules.ts'
import { findHalves } from './modules/halves.ts'
import { imageHint } from './modules/imageHint.ts'
import { requireRemovable } from './modules/removal.ts'
import { answer, columns, example, jsonOption } from './output.ts'
import { treeOf } from './project/changesTree.ts'
import { migrateInProject } from './project/migrateInProject.ts'
import { requireTools } from './project/sources.ts'
import type { Changes } from './project/stage.ts'
import type { Terminal } from './terminal.ts'

interface ListOptions {
  readonly migrations?: true
  readonly json?: true
}

interface Done extends Changes {
  readonly name: string
  /** What the migration step said; null when it was not asked for. */
  readonly migrated?: string | null
  /** What a person reads below the tree. */
  readonly said: string
}

interface ChangeOptions {
  readonly migrate?: true
  readonly dryRun?: true
  readonly types: boolean
  readonly json?: true
}

/** Adds `module list`, `module add` and `module remove` to the commands. */
export const addModuleCommands = (program: Command, terminal: Terminal): void => {
  const module = program.command('module').description('what the server is made of')
  addListCommand(module, terminal)
  addAddCommand(module, terminal)
  addRemoveCommand(module, terminal)
}

const addListCommand = (module: Command, terminal: Terminal) =>
  module
    .command('list')
    .description('list the modules with what they need, answer and keep')
    .option('--migrations', 'ask the database which migrations of theirs it has')
    .option(...jsonOption)
    .addHelpText('after', example('module list', 'module list --migrations --json'))
    .action(async ({ migrations, json }: ListOptions) => {
      const ordered = orderModules(modules)
      const status = migrations
        ? await withAddresses(terminal.loadConfig(), terminal, ({ ownerUrl }) => readMigrationStatus(ownerUrl))
        : undefined
      const described = describeModules(ordered, status)
      answer(terminal, json, { modules: described }, tableOf(described))
      if (status?.problem) throw new ForgeError(status.problem)
    })

const addAddCommand = (module: Command, terminal: Terminal) =>
  module
    .command('add')
    .description('list a module in contract/modules.ts and server/modules.ts, and generate what follows from it')
    .argument('<module>', 'the folder of a pack, or the name of a feature that is written and not listed')
    .option('--migrate', 'apply its migrations to the database afterwards')
    .option('--dry-run', 'say what would change, and change nothing')
    .option('--no-types', 'leave the types to npm test')
    .option(...jsonOption)
    .addHelpText('after', example('module add examples/invoicing', 'module add invoices --migrate'))
    .action((place: string, options: ChangeOptions) => {
      requireTools()
      const halves = findHalves(projectFolder, place)
      const { name } = halves
      if (modules.some((other) => other.name === name) || isListed(listText(), name))
        throw new ForgeError(`Nothing was done: ${name} is listed already; module list shows from where.`)
      const changes = listModule(halves, changeOf(terminal, options))
      const migrated = options.migrate && !options.dryRun ? migrateInProject(projectFolder) : null
      const next = migrated ?? 'Next: npm run forge -- migrate up, or start the server, which migrates in development.'
      const said = `${name} is listed. ${next}${imageHint(projectFolder, halves.module)}`
      report(terminal, options, { name, ...changes, migrated, said })
    })

const addRemoveCommand = (module: Command, terminal: Terminal) =>
  module
    .command('remove')
    .description('take a module out of both lists; its files, and its tables with what is in them, stay')
    .argument('<name>', 'what module list calls it')
    .option('--dry-run', 'say what would change, and change nothing')
    .option('--no-types', 'leave the types to npm test')
    .option(...jsonOption)
    .addHelpText('after', example('module remove invoices'))
    .action((name: string, options: ChangeOptions) => {
      requireTools()
      requireRemovable(name, modules, Object.keys(added))
      const changes = unlistModule(name, changeOf(terminal, options))
      report(terminal, options, { name, ...changes, said: `${name} is no longer listed. ${whatStays(name)}` })
    })

const listText = () => readFileSync(path.join(projectFolder, 'contract/modules.ts'), 'utf8')

const changeOf = (terminal: Terminal, { types, dryRun }: ChangeOptions): ListChange => ({
  project: projectFolder,
  checksTypes: types,
  isDryRun: dryRun === true,
  tell: (step) => terminal.complain(`${step} …\n`),
})

const whatStays = (name: string): string => {
  const { tables = [] } = describeModules(modules, undefined).find((module) => module.name === name) ?? {}
  const kept =
    tables.length > 0
      ? `The tables ${tables.join(', ')} stay, with what is in them; so do`
      : 'Nothing of the database goes; so stay'
  return `${kept} its permissions, menu entries and files.`
}

const report = (terminal: Terminal, { dryRun, json }: ChangeOptions, { said, ...done }: Done) =>
  answer(terminal, json, { ...done, dry_run: dryRun === true }, `${treeOf(done)}\n\n${dryRun ? nothingChanged : said}`)

const nothingChanged =
  'Nothing was changed: without --dry-run these files would be, and what npm run generate makes of them.'

const tableOf = (modules: readonly ModuleDescription[]): string =>
  columns([
    ['MODULE', 'KIND', 'ENTRIES', 'TABLES', 'MIGRATIONS', 'NEEDS', 'FROM'],
    ...modules.map(({ name, kind, entries, tables, migrations, needs, from }) => [
      name,
      kind,
      String(entries.length),
      String(tables.length),
      migrations === null ? '-' : `${migrations.applied.length} applied, ${migrations.pending.length} pending`,
      needs.join(',') || '-',
      from ?? '-',
    ]),
  ])
