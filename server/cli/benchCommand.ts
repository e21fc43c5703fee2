import path from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { prepareFolder, writeReport } from './bench/files.ts'
import { benchFolderOf } from './bench/ownServer.ts'
import { textOf } from './bench/report.ts'
import { runBench } from './bench/run.ts'
import { type ScenarioName, scenarioNames } from './bench/scenarios.ts'
import { ForgeError } from './forgeError.ts'
import { answer, example, jsonOption } from './output.ts'
import { checkedUrl } from './serverAddress.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly scenario: ScenarioName | 'all'
  readonly total?: number
  readonly concurrency?: number
  readonly url?: string
  readonly fixtures?: string
  readonly prefix?: string
  readonly rate?: number
  readonly timeout: number
  readonly out?: string
  readonly json?: true
}

const totalMax = 500_000
const concurrencyMax = 10_000
const rateMax = 1_000_000

const explanation = `
Scenarios: healthz, register, login, login-refresh (keeps the new tokens in the fixtures), me. Each is sent as fast as
the connections get answers, then on a schedule at --rate for ten seconds at most, where latencies count from when a
request was due. Without --total and --concurrency each has its own, that end within minutes.

Without --url a server is started for this: in production mode, without limits and load shedding, with the Argon2 cost
of the configuration, on a database of its own in DATA_DIR/bench. A server at --url should run with RATE_LIMIT_PER_MINUTE=0;
there login, login-refresh and me take the accounts of --fixtures, which register writes.

Ends with 1 when a single answer was not the one expected: a refusal is cheaper than an answer.`

/** Adds `bench` to the commands. */
export const addBenchCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('bench')
    .description('measure a server: throughput, latencies, CPU and memory in five scenarios')
    .addOption(new Option('--scenario <name>', 'what to ask').choices([...scenarioNames, 'all']).default('all'))
    .option('--total <count>', `requests of a scenario, up to ${totalMax.toLocaleString('en')}`, integer(1, totalMax))
    .option('--concurrency <count>', 'connections, each with one request at a time', integer(1, concurrencyMax))
    .option('--url <url>', 'a server that runs; without it one is started for this')
    .option('--fixtures <file>', 'accounts: register writes them, the others read them')
    .option('--prefix <text>', 'how e-mails of new accounts begin (default: another one each time)', prefixOf)
    .option('--rate <count>', 'requests a second of the schedule, 0 for none (default: 80 % of full speed)', rateOf)
    .addOption(timeoutOption)
    .option('--out <folder>', 'where the report goes, as Markdown, JSON and charts (default: DATA_DIR/bench/results)')
    .option(...jsonOption)
    .addHelpText('after', `${example(...examples)}\n${explanation}`)
    .action(async ({ scenario, json, out, timeout, ...options }: Options) => {
      const config = terminal.loadConfig()
      const folder = out === undefined ? path.join(benchFolderOf(config), 'results') : path.resolve(out)
      const url = options.url === undefined ? undefined : checkedUrl(options.url)
      prepareFolder(folder)
      const report = await runBench(config, terminal, {
        scenarios: scenario === 'all' ? scenarioNames : [scenario],
        total: options.total,
        concurrency: options.concurrency,
        rate: options.rate,
        timeoutMs: timeout,
        prefix: options.prefix ?? `bench-${Date.now().toString(36)}`,
        url,
        fixtures: options.fixtures,
      })
      const files = writeReport(folder, report)
      answer(terminal, json, { ...report, files }, `${textOf(report)}\n\nWritten: ${files.join(', ')}`)
      if (report.failures.length > 0) throw new ForgeError(report.failures.join('\n'))
    })
}

const examples = [
  'bench',
  'bench --scenario me --total 200000',
  'bench --scenario register --url http://127.0.0.1:8080 --total 1000 --fixtures accounts.json',
]

const integer = (least: number, most: number) => (text: string) => {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`)
}

const rateOf = (text: string): number => {
  const value = Number(text)
  if (/^\d+(?:\.\d+)?$/.test(text) && value <= rateMax) return value
  throw new InvalidArgumentError(`It takes a number from 0 to ${rateMax}.`)
}

const prefixOf = (text: string): string => {
  if (/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}[A-Za-z0-9])?$/.test(text)) return text
  throw new InvalidArgumentError('It takes up to 40 letters, digits and inner hyphens, since e-mails begin with it.')
}

const unitMs = { ms: 1, s: 1_000, m: 60_000 } as const

const durationOf = (text: string): number => {
  const [, digits, unit] = /^(\d{1,6})(ms|s|m)$/.exec(text) ?? []
  const value = Number(digits) * unitMs[unit as keyof typeof unitMs]
  if (value > 0) return value
  throw new InvalidArgumentError('It takes a duration like 500ms, 30s or 2m.')
}

const timeoutOption = new Option('--timeout <duration>', 'how long to wait for an answer: 500ms, 30s, 2m')
  .argParser(durationOf)
  .default(30_000, '30s')
