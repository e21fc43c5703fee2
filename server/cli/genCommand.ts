import { Command } from 'commander'
import { projectFolder } from '../projectFolder.ts'
import { refuseClashes } from './generate/clashes.ts'
import { parseFields } from './generate/fields.ts'
import { fieldTypes } from './generate/fieldTypes.ts'
import { migrateInProject } from './generate/migrateInProject.ts'
import { namesOf } from './generate/names.ts'
import type { Resource } from './generate/resource.ts'
import { targetsOf } from './generate/targets.ts'
import { treeOf } from './generate/tree.ts'
import { alsoChanged, filesOf, migrationOf, refuseOverwriting, writeResource } from './generate/writeResource.ts'
import { answer, columns, example, jsonOption } from './output.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly plural?: string
  readonly tenant?: true
  readonly force?: true
  readonly dryRun?: true
  readonly tests: boolean
  readonly json?: true
}

/** Adds `gen resource`, and the same as `scaffold`, to the commands. */
export const addGenCommands = (program: Command, terminal: Terminal): void => {
  const gen = program.command('gen').description('new parts of the project')
  gen.addCommand(resourceCommand('resource', 'gen resource', terminal))
  program.addCommand(resourceCommand('scaffold', 'scaffold', terminal))
}

const resourceCommand = (name: string, typed: string, terminal: Terminal): Command =>
  new Command(name)
    .description('write a resource from its table to its tests, join it, and see that all of it holds')
    .argument('<name>', 'what one of it is called, as in invoice or order-line')
    .argument('<fields...>', 'name:type, then :unique or ?, as in number:string:unique due:date?')
    .option('--plural <word>', 'what several are called, where the rules of English do not tell')
    .option('--tenant', 'its rows belong to tenants; without, all tenants share them')
    .option('--dry-run', 'say what would be written, and write nothing')
    .option('--force', 'write files anew that are there already')
    .option('--no-tests', 'check the types, and leave the tests to npm test')
    .option(...jsonOption)
    .exitOverride()
    .addHelpText(
      'after',
      `\nTypes of fields:\n${columns(Object.entries(fieldTypes).map(([type, { about }]) => [`  ${type}`, about]))}`,
    )
    .addHelpText(
      'after',
      example(
        `${typed} invoice number:string:unique total:money "customer:ref(users)" "status:enum(draft,sent,paid)" "due:date?" --tenant`,
      ),
    )
    .action((typedName: string, typedFields: readonly string[], options: Options) => {
      const resource = resourceOf(typedName, typedFields, options)
      const writing = { project: projectFolder, resource, isForced: options.force === true }
      refuseClashes(resource)
      refuseOverwriting(writing)
      if (options.dryRun) return sayPlan(terminal, resource, options)
      const tell = (step: string) => terminal.complain(`${step} …\n`)
      const changes = writeResource({ ...writing, runsTests: options.tests, tell })
      tell('migrating the database')
      const applied = migrateInProject(projectFolder)
      const done = `${treeOf(changes)}\n\n${resource.names.pascal} is served at /api/v1/${resource.names.kebabs}. ${applied} Next: npm test, and read contract/${resource.names.camels}.ts.`
      answer(terminal, options.json, changes, done)
    })

const resourceOf = (typedName: string, typedFields: readonly string[], { plural, tenant }: Options): Resource => {
  const isTenant = tenant === true
  const names = namesOf(typedName, plural)
  const fields = parseFields(typedFields)
  return { names, fields, isTenant, references: targetsOf({ project: projectFolder, fields, isTenant }) }
}

const sayPlan = (terminal: Terminal, resource: Resource, { json }: Options) => {
  const plan = {
    created: [...Object.keys(filesOf(resource)), migrationOf(projectFolder, resource)],
    changed: alsoChanged,
  }
  answer(terminal, json, plan, `${treeOf(plan)}\n\nNothing was written: without --dry-run it would be.`)
}
