import type { Command } from 'commander'
import { type DeadLetter, type Listing, listConsumers } from '../platform/consumers/overview.ts'
import { withDatabases } from './commandDatabase.ts'
import { redrive, showDeadLetters } from './events.ts'
import { ForgeError, misused } from './forgeError.ts'
import { answer, example, jsonOption } from './output.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly json?: true
}

interface RedriveOptions extends Options {
  readonly position?: string
  readonly all?: true
}

/** Adds `events list`, `events show` and `events redrive` to the commands. */
export const addEventsCommands = (program: Command, terminal: Terminal): void => {
  const events = program.command('events').description('the event log and its consumers')

  events
    .command('list')
    .description('show the log, and how far each consumer is')
    .option(...jsonOption)
    .addHelpText('after', example('events list'))
    .action(async ({ json }: Options) => {
      const listing = await withDatabases(terminal.loadConfig(), terminal, ({ app }) => listConsumers(app.db))
      answer(terminal, json, listing, textOfListing(listing))
    })

  events
    .command('show')
    .description('show the dead letters of a consumer, or one of them')
    .argument('<consumer>', 'its name, as `events list` has it')
    .argument('[position]', 'the place of the event in the log')
    .option(...jsonOption)
    .addHelpText('after', example('events show invoices.remind'))
    .action(async (consumer: string, position: string | undefined, { json }: Options) => {
      const asked = { consumer, position: position === undefined ? undefined : positionOf(position) }
      const letters = await withDatabases(terminal.loadConfig(), terminal, (databases) =>
        showDeadLetters(databases, asked),
      )
      answer(terminal, json, { consumer, dead_letters: letters }, textOfLetters(consumer, letters))
    })

  events
    .command('redrive')
    .description('have dead letters of a consumer tried again, once, by the running servers')
    .argument('<consumer>', 'its name, as `events list` has it')
    .option('--position <position>', 'the one at this place of the log')
    .option('--all', 'all of them')
    .option(...jsonOption)
    .addHelpText('after', example('events redrive invoices.remind --position 1204'))
    .action(async (consumer: string, { json, ...options }: RedriveOptions) => {
      const asked = { consumer, position: chosen(options) }
      const count = await withDatabases(terminal.loadConfig(), terminal, ({ app }) => redrive(app.db, asked))
      answer(terminal, json, { consumer, redriven: count }, textOfRedrive(consumer, count))
    })
}

/** Undefined for all. */
const chosen = ({ position, all }: RedriveOptions): number | undefined => {
  if ((position === undefined) === (all === undefined))
    throw new ForgeError('Nothing was done: say which, with --position <position> or with --all.', misused)
  return position === undefined ? undefined : positionOf(position)
}

const positionOf = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new ForgeError(`Nothing was done: a position is a number from 1, as \`events show\` lists them.`, misused)
}

const textOfListing = ({ log, consumers }: Listing): string => {
  const head =
    log.last_position < log.first_position
      ? `The log is empty; ${log.last_position} events were in it.`
      : `The log holds the events ${log.first_position} to ${log.last_position}.`
  if (consumers.length === 0) return `${head} No consumer has read it yet.`
  const rows = consumers.flatMap(({ name, dead_letters: dead, partitions }) => [
    `${name}  dead letters: ${dead}`,
    ...partitions.map(
      ({ partition, position, lag, attempts, holder, retry_at }) =>
        `  partition ${partition}  position ${position}  lag ${lag}  failed tries ${attempts}  ` +
        `${retry_at ? `next try ${retry_at.toISOString()}  ` : ''}${holder ?? 'held by nobody'}`,
    ),
  ])
  return [head, ...rows].join('\n')
}

const textOfLetters = (consumer: string, letters: readonly DeadLetter[]): string => {
  if (letters.length === 0) return `${consumer} has no dead letters.`
  return letters
    .map(
      ({ position, topic, target, tenant_id: tenant, attempts, failure, failed_at, redrive_at }) =>
        `${position}  ${topic ?? 'no longer in the log'}  ${target ?? ''}  tenant ${tenant ?? 'none'}  ` +
        `${failure} after ${attempts} tries, last ${failed_at.toISOString()}${redrive_at ? '  to be tried again' : ''}`,
    )
    .join('\n')
}

const textOfRedrive = (consumer: string, count: number) =>
  `${count} dead ${count === 1 ? 'letter' : 'letters'} of ${consumer} will be tried again by the running servers; events show tells how it went.`
