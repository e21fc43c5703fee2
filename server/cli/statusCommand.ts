import type { Command } from 'commander'
import type { Config } from '../config.ts'
import { type Listing, listConsumers } from '../platform/consumers/overview.ts'
import { withDatabases } from './commandDatabase.ts'
import { ForgeError, misused } from './forgeError.ts'
import { answer, columns, example, jsonOption } from './output.ts'
import { checkedUrl, localAddress } from './serverAddress.ts'
import { readStatus, type ServerStatus } from './serverStatus.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly url?: string
  readonly json?: true
}

const explanation = `
It asks the server at HOST and PORT, or --url, and shows it ADMIN_TOKEN. Consumers are read from the database, and left
out with --url. Ends with 1 when nothing answers or the server is not ready.`

/** Adds `status` to the commands. */
export const addStatusCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('status')
    .description('show what the running server does: readiness, workers, modules, duties, consumers, pools, streams')
    .option('--url <url>', 'another server than that of this configuration')
    .option(...jsonOption)
    .addHelpText('after', `${example('status', 'status --url http://10.0.0.7:8080')}\n${explanation}`)
    .action(async ({ url, json }: Options) => {
      const config = terminal.loadConfig()
      const status = await readStatus(url === undefined ? addressOf(config) : checkedUrl(url), config.adminToken)
      const consumers = url === undefined ? await consumersOf(config, terminal) : []
      answer(terminal, json, { ...status, consumers }, textOf(status, consumers))
      if (!status.ready) throw new ForgeError(`The server is not ready: ${status.reason}.`)
    })
}

const addressOf = ({ http: { host, port } }: Config): string => {
  if (port === 0)
    throw new ForgeError('PORT=0 takes a free port, which is not known here: name the address with --url.', misused)
  return localAddress(host, port)
}

/** A database that is away is the server's matter, which says so itself. */
const consumersOf = async (config: Config, terminal: Terminal): Promise<Listing['consumers']> => {
  const still = { ...config, database: { ...config.database, migrateOnStart: false } }
  try {
    return (await withDatabases(still, terminal, ({ app }) => listConsumers(app.db))).consumers
  } catch {
    terminal.complain('The consumers cannot be read: the database does not answer, or lacks their tables.\n')
    return []
  }
}

const textOf = (status: ServerStatus, consumers: Listing['consumers']): string => {
  const { url, service, version, live, ready, reason, modules, duties, process, pools } = status
  const sick = modules.filter(({ healthy }) => !healthy).map((module) => `${module.name} (${module.reason ?? 'ill'})`)
  const rows = [
    ['server', `${service} ${version} at ${url}`],
    ['live', live ? 'yes' : 'no'],
    ['ready', ready ? 'yes' : `no: ${reason}`],
    ['process', `${process.workers} on ${process.adapter}, Node ${process.node}`],
    ['open', `${process.requests} requests, ${process.streams} streams, ${process.sockets} sockets`],
    ...Object.entries(pools).map(([name, { used, idle, max, waiting }]) => [
      `pool ${name}`,
      `${used} used, ${idle} idle of ${max}, ${waiting} waiting`,
    ]),
    ['modules', modules.map(({ name }) => name).join(', ')],
    ...(sick.length === 0 ? [] : [['unhealthy', sick.join(', ')]]),
    ...duties.map((duty) => [`duty ${duty.name}`, lastRunOf(duty)]),
    ...consumers.map((consumer) => [`consumer ${consumer.name}`, stateOf(consumer)]),
  ]
  return columns(rows)
}

const lastRunOf = ({ schedule, started_at, outcome, error }: ServerStatus['duties'][number]): string => {
  if (started_at === undefined) return `${schedule}  never ran`
  return `${schedule}  ${outcome ?? 'running, or cut off'} ${started_at}${error === undefined ? '' : `  ${error}`}`
}

const stateOf = ({ partitions, dead_letters }: Listing['consumers'][number]): string => {
  const lag = Math.max(0, ...partitions.map((partition) => partition.lag))
  const unheld = partitions.filter(({ holder }) => holder === null).length
  return `lag ${lag}, ${partitions.length} partitions (${unheld} held by nobody), ${dead_letters} dead letters`
}
