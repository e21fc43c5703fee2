import type { Command } from 'commander'
import { withAddresses } from './commandDatabase.ts'
import { ForgeError } from './forgeError.ts'
import { type MigrationStatus, migrateUp, readMigrationStatus, verifyMigrations } from './migrations.ts'
import { newMigration } from './newMigration.ts'
import { answer, columns, example, jsonOption } from './output.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly json?: true
}

/** Adds `migrate up`, `migrate status`, `migrate new` and `migrate verify` to the commands. */
export const addMigrateCommands = (program: Command, terminal: Terminal): void => {
  const migrate = program.command('migrate').description('the steps of the database schema')
  const onOwner = <T>(work: (ownerUrl: string) => Promise<T>) =>
    withAddresses(terminal.loadConfig(), terminal, ({ ownerUrl }) => work(ownerUrl))

  migrate
    .command('up')
    .description('apply what is pending, then add permissions and menu entries that are new')
    .option(...jsonOption)
    .addHelpText('after', example('migrate up'))
    .action(async ({ json }: Options) => {
      const { applied, added, current } = await onOwner((url) => migrateUp(url, terminal))
      const done = applied.length === 0 ? 'Nothing was pending.' : `Applied: ${applied.join(', ')}.`
      const more = added.length === 0 ? '' : ` New permissions: ${added.join(', ')}.`
      answer(terminal, json, { applied, current, added_permissions: added }, `${done}${more}`)
    })

  migrate
    .command('status')
    .description('list what was applied and when, and what is pending')
    .option(...jsonOption)
    .addHelpText('after', example('migrate status'))
    .action(async ({ json }: Options) => {
      const status = await onOwner((url) => readMigrationStatus(url))
      answer(terminal, json, status, textOf(status))
      if (status.problem !== null) throw new ForgeError(status.problem)
    })

  migrate
    .command('new')
    .description('write the next migration from what changed in db/schema')
    .argument('<name>', 'what it is about, as in add_invoices')
    .option('--empty', 'an empty file, for statements of your own')
    .option(...jsonOption)
    .addHelpText('after', example('migrate new add_invoices', 'migrate new fill_totals --empty'))
    .action((name: string, { empty, json }: Options & { readonly empty?: true }) => {
      const isInteractive = terminal.input.isTTY === true && json === undefined
      const file = newMigration({ name, isEmpty: empty === true, isInteractive })
      if (file === undefined) throw new ForgeError(unchanged)
      answer(
        terminal,
        json,
        { file },
        `${file} is written. Add row security and grants to its end, then run migrate up.`,
      )
    })

  migrate
    .command('verify')
    .description('check that files, database and code agree: checksums, order, tables, columns, indexes, constraints')
    .option(...jsonOption)
    .addHelpText('after', example('migrate verify'))
    .action(async ({ json }: Options) => {
      const problems = await onOwner((url) => verifyMigrations(url))
      const text = problems.length === 0 ? 'Files, database and code agree.' : problems.join('\n')
      answer(terminal, json, { agrees: problems.length === 0, problems }, text)
      if (problems.length > 0) throw new ForgeError(disagreeing(problems.length))
    })
}

const unchanged =
  'The tables in db/schema are those of the migrations: change them first, or add --empty for statements of your own.'

const disagreeing = (count: number) =>
  `${count} ${count === 1 ? 'thing does' : 'things do'} not agree: apply what is pending, or put it right by a new migration or in db/schema.`

const textOf = ({ applied, pending }: MigrationStatus): string => {
  const rows = [
    ...applied.map(({ name, applied_at }) => [name, 'applied', applied_at.toISOString()]),
    ...pending.map((name) => [name, 'pending', '']),
  ]
  return rows.length === 0 ? 'There are no migrations.' : columns(rows)
}
