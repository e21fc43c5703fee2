import type { Command } from 'commander'
import { flags as table } from '../../contract/vocabulary.ts'
import type { FlagState } from '../features/flags/state.ts'
import { withDatabase } from './commandDatabase.ts'
import { type Conditions, clearFlag, listFlags, setFlag } from './flags.ts'
import { answer, example, jsonOption } from './output.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly json?: true
}

interface SetOptions extends Options {
  readonly percentage?: string
  readonly tenant?: string[]
  readonly user?: string[]
  readonly role?: string[]
}

/** Adds `flags list`, `flags set` and `flags clear` to the commands. */
export const addFlagsCommands = (program: Command, terminal: Terminal): void => {
  const flags = program.command('flags').description('the feature flags')

  flags
    .command('list')
    .description('show every flag, what decides it, and the rules of the database')
    .option(...jsonOption)
    .addHelpText('after', example('flags list'))
    .action(async ({ json }: Options) => {
      const config = terminal.loadConfig()
      const states = await withDatabase(config, terminal, ({ db }) => listFlags(db, table, config.flags))
      answer(terminal, json, states, states.map(textOf).join('\n'))
    })

  flags
    .command('set')
    .description('say in the database what a flag says; running servers follow at once')
    .argument('<name>', 'the flag, as `flags list` has it')
    .argument('<value>', 'true or false, or a variant')
    .option('--percentage <number>', 'only for so many of a hundred users')
    .option('--tenant <id...>', 'only in these tenants')
    .option('--user <id...>', 'only for these users')
    .option('--role <code...>', 'only for holders of one of these roles')
    .option(...jsonOption)
    .addHelpText('after', `${example('flags set registration false')}\n${setNote}`)
    .action(async (name: string, value: string, { json, ...options }: SetOptions) => {
      const config = terminal.loadConfig()
      const asked = { name, value, conditions: conditionsOf(options), settings: config.flags }
      const state = await withDatabase(config, terminal, (database) => setFlag(database, table, asked))
      answer(terminal, json, state, textOf(state))
    })

  flags
    .command('clear')
    .description('delete value and rules of a flag from the database')
    .argument('<name>', 'the flag, as `flags list` has it')
    .option(...jsonOption)
    .addHelpText('after', example('flags clear registration'))
    .action(async (name: string, { json }: Options) => {
      const cleared = await withDatabase(terminal.loadConfig(), terminal, (database) =>
        clearFlag(database, table, name),
      )
      answer(
        terminal,
        json,
        { name, cleared },
        `The database ${cleared ? 'says nothing of' : 'said nothing of'} ${name}.`,
      )
    })
}

const setNote = `
With --percentage, --tenant, --user or --role the value goes into a rule behind those that there are; the first rule that
fits decides. Without, it is the value for all whom no rule fits. Variables and FLAGS_FILE come before the database.`

const conditionsOf = ({ percentage, tenant, user, role }: SetOptions): Conditions => ({
  ...(percentage !== undefined && { percentage: percentage.trim() === '' ? Number.NaN : Number(percentage) }),
  ...(tenant && { tenants: tenant }),
  ...(user && { users: user }),
  ...(role && { roles: role }),
})

const textOf = (state: FlagState): string => {
  const { name, description, source, override, value, rules, default: byDefault } = state
  const said = override === null ? (value ?? byDefault) : override
  const others = rules.length > 0 && override === null ? ' to others' : ''
  const lines = rules.map(
    (rule, index) => `  rule ${index + 1}  ${rule.value}  ${override === null ? '' : 'does not count: '}${whoOf(rule)}`,
  )
  return [`${name}  ${said}${others}  by ${source}  (${description})`, ...lines].join('\n')
}

const whoOf = ({ percentage, tenants, users, roles }: Conditions): string =>
  [
    ...(percentage === undefined ? [] : [`${percentage} % of users`]),
    ...(tenants ? [`tenants ${tenants.join(', ')}`] : []),
    ...(users ? [`users ${users.join(', ')}`] : []),
    ...(roles ? [`roles ${roles.join(', ')}`] : []),
  ].join(' and ')
