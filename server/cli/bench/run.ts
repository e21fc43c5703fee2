import { setMaxListeners } from 'node:events'
import { availableParallelism } from 'node:os'
import type { Config } from '../../config.ts'
import { ForgeError, misused } from '../forgeError.ts'
import { askServer } from '../serverAddress.ts'
import type { Terminal } from '../terminal.ts'
import { type Account, claimFixtures, readFixtures, writeFixtures } from './accounts.ts'
import { failuresOf } from './failures.ts'
import { makeAccounts } from './madeAccounts.ts'
import { type Measurement, measure } from './measure.ts'
import { expectRoomFor } from './openFiles.ts'
import { type OwnServer, withOwnServer } from './ownServer.ts'
import type { Report } from './report.ts'
import { type ScenarioName, scenarioOf } from './scenarios.ts'

/** What was asked for. */
export interface Order {
  readonly scenarios: readonly ScenarioName[]
  readonly total: number | undefined
  readonly concurrency: number | undefined
  readonly rate: number | undefined
  readonly timeoutMs: number
  /** Begins the e-mails of accounts. */
  readonly prefix: string
  /** Undefined for a server that is started for this. */
  readonly url: string | undefined
  readonly fixtures: string | undefined
}

/** For the default hash cost: totals that end within minutes, and no more callers than a hash of a core each can answer in time. */
const usual: Readonly<Record<ScenarioName, { readonly total: number; readonly concurrency: number }>> = {
  healthz: { total: 100_000, concurrency: 256 },
  register: { total: 200, concurrency: 8 },
  login: { total: 200, concurrency: 8 },
  'login-refresh': { total: 200, concurrency: 8 },
  me: { total: 20_000, concurrency: 128 },
}

const needsAccounts = (name: ScenarioName): boolean => name === 'login' || name === 'login-refresh' || name === 'me'

/** Measures what was asked for, one scenario after the other. Throws ForgeError when it cannot, or was interrupted. */
export const runBench = (config: Config, terminal: Terminal, order: Order): Promise<Report> => {
  const { url, scenarios, fixtures } = order
  expectRoomFor(Math.max(...scenarios.map((name) => connectionsOf(name, order))))
  if (fixtures !== undefined && scenarios.includes('register')) claimFixtures(fixtures)
  if (url !== undefined && fixtures === undefined && !scenarios.includes('register') && scenarios.some(needsAccounts))
    throw new ForgeError(noAccounts(order), misused)
  return withInterrupt((signal) => {
    const work = (server: Target) => measureAll({ config, terminal, order, server, signal })
    return url === undefined
      ? withOwnServer(config, terminal, (own) => work({ url: own.url, argon2: argon2Of(config), own }))
      : work({ url, argon2: null })
  }).finally(() => terminal.progress?.(''))
}

const connectionsOf = (name: ScenarioName, { concurrency, total }: Order): number =>
  Math.min(concurrency ?? usual[name].concurrency, total ?? usual[name].total)

const argon2Of = ({ hashing: { memoryKib, iterations, parallelism } }: Config): string =>
  `m=${memoryKib},t=${iterations},p=${parallelism}`

const noAccounts = ({ scenarios: [name], url }: Order) =>
  `Nothing was done: ${name} needs accounts of that server: make them with bench --scenario register --url ${url} --fixtures accounts.json, then add --fixtures accounts.json.`

interface Target {
  readonly url: string
  readonly argon2: string | null
  readonly own?: OwnServer
}

interface Job {
  readonly config: Config
  readonly terminal: Terminal
  readonly order: Order
  readonly server: Target
  readonly signal: AbortSignal
}

const measureAll = async (job: Job): Promise<Report> => {
  const { order, server, terminal, signal } = job
  signal.throwIfAborted()
  await expectAnswer(server.url)
  const supply: { accounts: Account[]; readonly prefix: string } = { accounts: [], prefix: order.prefix }
  const measurements: Measurement[] = []
  for (const name of order.scenarios) {
    if (needsAccounts(name)) supply.accounts = await accountsFor(name, job, supply.accounts)
    // What went wrong with registering them is said at the end.
    if (needsAccounts(name) && supply.accounts.length === 0) break
    measurements.push(
      await measure({
        name,
        scenario: scenarioOf(name, supply),
        origin: new URL(server.url),
        total: totalOf(name, order, supply.accounts.length),
        concurrency: order.concurrency ?? usual[name].concurrency,
        timeoutMs: order.timeoutMs,
        rate: order.rate,
        signal,
        progress: terminal.progress,
      }),
    )
    signal.throwIfAborted()
    if (name === 'register') supply.accounts = supply.accounts.filter((account) => account !== undefined)
    const keepsAccounts = name === 'register' || name === 'login-refresh'
    // Where nobody could be registered, those of the time before are still good.
    if (keepsAccounts && order.fixtures !== undefined && supply.accounts.length > 0)
      await writeFixtures(order.fixtures, supply.accounts)
  }
  return {
    measured_at: new Date().toISOString(),
    machine: {
      cores: availableParallelism(),
      platform: `${process.platform} ${process.arch}`,
      node: process.versions.node,
    },
    server: { url: server.url, argon2: server.argon2, own: server.own !== undefined },
    measurements,
    failures: measurements.flatMap(failuresOf),
  }
}

const expectAnswer = async (url: string): Promise<void> => {
  const reply = await askServer(url, `${new URL(url).pathname.replace(/\/$/, '')}/healthz`).catch(() => undefined)
  if (reply?.status === 200) return
  const found = reply ? `/healthz answers ${reply.status}` : 'nothing answers'
  throw new ForgeError(
    `At ${url} ${found}: start the server with RATE_LIMIT_PER_MINUTE=0 npm start, or leave --url out.`,
  )
}

/** Those that are there, if they are enough; else of the file, or written into the database of a server of our own. */
const accountsFor = async (name: ScenarioName, job: Job, there: Account[]): Promise<Account[]> => {
  const { order, server, terminal, config } = job
  const count = order.total ?? usual[name].total
  if (there.length >= count) return there
  const isMadeHere = order.scenarios.includes('register')
  const found = order.fixtures === undefined || isMadeHere ? there : await readFixtures(order.fixtures)
  if (order.fixtures === undefined && server.own) {
    terminal.progress?.(`making ${count} accounts`)
    return makeAccounts(config, server.own, { count, prefix: `${order.prefix}-${name}` })
  }
  if (!isMadeHere && order.total !== undefined && found.length < order.total)
    throw new ForgeError(`${order.fixtures} holds ${found.length} accounts: lower --total, or register more.`, misused)
  return found
}

const totalOf = (name: ScenarioName, { total }: Order, accounts: number): number => {
  const wanted = total ?? usual[name].total
  return needsAccounts(name) ? Math.min(wanted, accounts) : wanted
}

/**
 * Tells `work` of the first Ctrl-C; what it started, it ends. A second one ends everything. Throws ForgeError for what was
 * interrupted.
 */
const withInterrupt = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const interrupt = new AbortController()
  // One listener for each connection that waits.
  setMaxListeners(0, interrupt.signal)
  const abort = () => interrupt.abort()
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, abort)
  try {
    return await work(interrupt.signal)
  } catch (error) {
    throw interrupt.signal.aborted ? new ForgeError('Interrupted: nothing was written.') : error
  } finally {
    for (const signal of signals) process.off(signal, abort)
  }
}
