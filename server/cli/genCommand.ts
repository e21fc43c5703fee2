import { Command } from 'commander'
import { projectFolder } from '../projectFolder.ts'
import { blankPart } from './generate/blankPart.ts'
import { refuseClashes, refuseModuleClashes } from './generate/clashes.ts'
import { parseFields } from './generate/fields.ts'
import { fieldTypes } from './generate/fieldTypes.ts'
import { moduleNamesOf, namesOf } from './generate/names.ts'
import type { Resource } from './generate/resource.ts'
import { migrationOf, resourcePart } from './generate/resourcePart.ts'
import { targetsOf } from './generate/targets.ts'
import { alsoChanged, type Part, refuseOverwriting, writePart } from './generate/writePart.ts'
import { answer, columns, example, jsonOption } from './output.ts'
import { treeOf } from './project/changesTree.ts'
import { migrateInProject } from './project/migrateInProject.ts'
import { requireTools } from './project/sources.ts'
import type { Changes } from './project/stage.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly force?: true
  readonly dryRun?: true
  readonly tests: boolean
  readonly json?: true
}

interface ResourceOptions extends Options {
  readonly plural?: string
  readonly tenant?: true
}

/** Adds `gen resource`, the same as `scaffold`, and `gen module` to the commands. */
export const addGenCommands = (program: Command, terminal: Terminal): void => {
  const gen = program.command('gen').description('new parts of the project')
  for (const [parent, typed] of [
    [gen, 'gen resource'],
    [program, 'scaffold'],
  ] as const)
    parent.addCommand(resourceCommand(typed, terminal))
  gen.addCommand(moduleCommand(terminal))
}

const resourceCommand = (typed: string, terminal: Terminal): Command =>
  writing(new Command(typed.split(' ').at(-1)), terminal)
    .description('write a resource from its table to its tests, join it, and see that all of it holds')
    .argument('<name>', 'what one of it is called, as in invoice or order-line')
    .argument('<fields...>', 'name:type, then :unique or ?, as in number:string:unique due:date?')
    .option('--tenant', 'its rows belong to tenants; without, all tenants share them')
    .option('--plural <word>', 'what several are called, where the rules of English do not tell')
    .addHelpText('after', `\nTypes of fields:\n${typeRows}`)
    .addHelpText('after', example(`${typed} ${invoice}`))
    .action((typedName: string, typedFields: readonly string[], options: ResourceOptions) => {
      requireTools()
      const resource = resourceOf(typedName, typedFields, options)
      refuseClashes(resource)
      const part = resourcePart(resource)
      const created = [...Object.keys(part.files), migrationOf(projectFolder, resource)]
      const plan = { created, changed: ['db/schema/index.ts', ...alsoChanged] }
      const { pascal, kebabs } = resource.names
      write(terminal, { part, plan, served: `${pascal} is served at /api/v1/${kebabs}` }, options)
    })

const invoice =
  'invoice number:string:unique total:money "customer:ref(users)" "status:enum(draft,sent,paid)" "due:date?" --tenant'
const typeRows = columns(Object.entries(fieldTypes).map(([type, { about }]) => [`  ${type}`, about]))

const moduleCommand = (terminal: Terminal): Command =>
  writing(new Command('module'), terminal)
    .description('write a module without tables, with an entry, an event and a test to begin from')
    .argument('<name>', 'what it is called, as in billing')
    .addHelpText('after', example('gen module billing'))
    .action((typedName: string, options: Options) => {
      requireTools()
      const names = moduleNamesOf(typedName)
      refuseModuleClashes(names)
      const part = blankPart(names)
      const served = `${names.camel} answers at /api/v1/${names.snake.replaceAll('_', '-')}/notes`
      write(terminal, { part, plan: { created: Object.keys(part.files), changed: alsoChanged }, served }, options)
    })

/** What both have. */
const writing = (command: Command, terminal: Terminal): Command =>
  command
    .option('--dry-run', 'say what would be written, and write nothing')
    .option('--force', 'write files anew that are there already')
    .option('--no-tests', 'check the types, and leave the tests to npm test')
    .option(...jsonOption)
    .exitOverride()
    .configureOutput({ writeOut: terminal.print, writeErr: terminal.complain })
    .showHelpAfterError('(--help shows the options and an example)')

const resourceOf = (typed: string, fieldTexts: readonly string[], { plural, tenant }: ResourceOptions): Resource => {
  const isTenant = tenant === true
  const names = namesOf(typed, plural)
  const fields = parseFields(fieldTexts)
  return { names, fields, isTenant, references: targetsOf({ project: projectFolder, fields, isTenant }) }
}

interface Plan {
  readonly part: Part
  readonly plan: Changes
  readonly served: string
}

const write = (terminal: Terminal, { part, plan, served }: Plan, { force, dryRun, tests, json }: Options) => {
  if (force !== true) refuseOverwriting(projectFolder, part)
  if (dryRun) return answer(terminal, json, plan, `${treeOf(plan)}\n\nNothing was written: without --dry-run it is.`)
  const tell = (step: string) => terminal.complain(`${step} …\n`)
  const changes = writePart({ project: projectFolder, part, runsTests: tests, tell })
  tell('migrating the database')
  const applied = migrateInProject(projectFolder)
  const once = 'once the server has started anew, as npm run dev does by itself'
  const text = `${treeOf(changes)}\n\n${applied} ${served} ${once}. Next: read contract/${part.name}.ts, and npm test.`
  answer(terminal, json, changes, text)
}
