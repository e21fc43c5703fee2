import type { Logger } from 'pino'
import type { FlagTable } from '../contract/flagTable.ts'
import { flags as ownFlags } from '../contract/vocabulary.ts'
import type { Database } from '../db/database.ts'
import { type Background, createBackground } from './background.ts'
import { createCalls } from './calls.ts'
import type { Config } from './config.ts'
import { createDevState } from './devState.ts'
import { findAnyAdmin } from './features/access/administrators.ts'
import { modules as ownModules } from './modules.ts'
import { createFeed, type Feed } from './platform/events/feed.ts'
import { readRecentEvents } from './platform/events/recentEvents.ts'
import { createFlags } from './platform/flags/flags.ts'
import { readFlagRows } from './platform/flags/rows.ts'
import { createMetrics } from './platform/metrics/metrics.ts'
import { watchApp } from './platform/metrics/watchApp.ts'
import { createScraping } from './platform/metrics/workers.ts'
import { createModuleLives } from './platform/modules.ts'
import { createReachability } from './platform/reachability.ts'
import { openTracing } from './platform/tracing/openTracing.ts'
import type { Recorder } from './platform/tracing/recorder.ts'
import { tapLog } from './platform/tracing/tapLog.ts'
import { type DatabaseAddresses, gateConnections, openPools } from './pools.ts'
import type { AnyModule } from './rpc/module.ts'
import { orderModules } from './rpc/moduleOrder.ts'
import { createWeb } from './web.ts'

export interface AppOptions {
  readonly config: Config
  readonly addresses: DatabaseAddresses
  readonly log: Logger
  readonly version: string
  readonly now?: () => Date
  /** What the server is made of, when it is not the list of modules.ts. */
  readonly modules?: readonly AnyModule[]
  /** The flags, when they are not those of the contract; `config` was read by the same. */
  readonly flags?: FlagTable
}

export interface App {
  readonly adapter: 'uws' | 'node'
  /** Resolves to the port. Rejects as HttpServer.listen does. */
  readonly listen: () => Promise<number>
  /** What the pools of the two roles hold. */
  readonly pools: { readonly app: Database['stats']; readonly gate: Database['stats'] }
  /** Starts as the app listens, unless RUN_DUTIES says no. */
  readonly duties: Pick<Background['duties'], 'look'>
  /** Starts as the app listens, unless RUN_CONSUMERS says no. */
  readonly consumers: Pick<Background['consumers'], 'look'>
  /** This instance's reading of the event log. */
  readonly feed: Pick<Feed, 'catchUp' | 'bounds'>
  /** The last requests and what they did; in development alone. */
  readonly recorder: Recorder | undefined
  /** Fails readiness, so that load balancers look elsewhere. */
  readonly stopBeingReady: () => void
  /** Whether anybody can manage what there is. */
  readonly hasAdministrator: () => Promise<boolean>
  /** Accepts no more, lets what runs finish within the time, then closes everything. */
  readonly close: (withinMs: number) => Promise<void>
}

/** Builds everything and joins it: the only place that knows all parts. */
export const createApp = async (options: AppOptions): Promise<App> => {
  const { config, addresses, flags: table = ownFlags } = options
  const modules = orderModules(options.modules ?? ownModules)
  let isStopping = false
  const { tracing, log } = await openTraced(options)
  const metrics = createMetrics()
  const scraping = createScraping(metrics)
  const pools = openPools({ config, addresses, metrics, log, tracing })
  const { database, gateDatabase } = pools
  const feed = createFeed({ database, gateDatabase, log })
  // The feed reads on for everybody, not for whoever told it.
  const onRecorded = tracing ? () => tracing.outside(feed.nudge) : feed.nudge
  const readRows = () => readFlagRows(database.db)
  const flags = createFlags({ ...config.flags, table, readRows, metrics, log })
  const shared = { modules, metrics, feed, onRecorded, tracing }
  const calls = await createCalls({ ...shared, options: { ...options, log }, pools, flags })
  const { replica } = calls
  const listenUrl = config.database.listenUrl ?? addresses.app.url
  const background = createBackground({ ...shared, config, database, gateDatabase, log, on: [flags.on], listenUrl })
  const lives = createModuleLives(modules, { database, log })
  const isReachable = createReachability([pools.probeDatabase, gateDatabase], log)
  const notReady = async () => {
    if (isStopping) return 'shutting down'
    if (!(await isReachable())) return 'database unavailable'
    return flags.isRead() ? undefined : 'flags not read yet'
  }

  const report = { moduleHealth: lives.health, duties: background.reportDuties }
  const recorder = tracing?.recorder
  const recentEvents = () => readRecentEvents(gateDatabase.db)
  const web = await createWeb({
    options: { ...options, log },
    modules,
    calls,
    system: { ...report, scrape: scraping.scrape, notReady, replica: replica?.report },
    // In development alone, since nothing records requests anywhere else.
    dev: recorder && { recorder, state: createDevState({ ...report, database, recentEvents, flags }) },
    metrics,
    tracing,
  })
  const stopWatching = watchApp(metrics, {
    ...web,
    version: options.version,
    streams: calls.streams,
    hashing: calls.passwords,
    pools: {
      app: { max: config.database.maxConnections, stats: database.stats },
      gate: { max: gateConnections, stats: gateDatabase.stats },
      replica: replica && { max: config.database.maxConnections, stats: replica.stats },
    },
  })

  return {
    adapter: web.adapter,
    pools: { app: database.stats, gate: gateDatabase.stats },
    duties: background.duties,
    consumers: background.consumers,
    feed,
    recorder,
    async listen() {
      await flags.start()
      await lives.start()
      const port = await web.listen().catch(async (error: unknown) => {
        await lives.stop()
        throw error
      })
      background.start()
      // What changed between that reading and the first look at the log, no event tells; nor what a log has lost.
      feed.catchUp().then(flags.refresh, () => {})
      feed.onRestart(() => void flags.refresh())
      replica?.start()
      return port
    },
    stopBeingReady() {
      isStopping = true
    },
    async hasAdministrator() {
      return (await database.readAs({ tenant: 'global' }, (db) => findAnyAdmin(db))).length > 0
    },
    async close(withinMs) {
      const endsAt = performance.now() + withinMs
      isStopping = true
      flags.stop()
      web.drain()
      await Promise.all([web.untilQuiet(withinMs), background.stop(withinMs)])
      await web.close(withinMs)
      stopWatching()
      scraping.close()
      await Promise.all([calls.close(), background.close()])
      await lives.stop()
      await Promise.all([database, gateDatabase, pools.probeDatabase].map((one) => one.close()))
      const leftMs = endsAt - performance.now()
      await tracing?.close(Math.min(Math.max(leftMs, lastSpansMs.least), lastSpansMs.most))
    },
  }
}

/** What sees the spans, if anything does, and the log that is seen with them. */
const openTraced = async ({ config, version, log }: AppOptions) => {
  const { environment, tracing: settings } = config
  const tracing = await openTracing({ settings, environment, version, log })
  return { tracing, log: tracing ? tapLog(log, tracing) : log }
}

/** The last spans get what is left of the time to close, within these bounds: a collector that is away holds nobody up. */
const lastSpansMs = { least: 250, most: 2_000 }
