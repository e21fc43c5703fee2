import cluster from 'node:cluster'
import type { Logger } from 'pino'
import document from '../contract/openapi.json' with { type: 'json' }
import { type Database, openDatabase } from '../db/database.ts'
import { addressSet, type Config } from './config.ts'
import { findAnyAdmin } from './features/access/administrators.ts'
import { chooseAdapter } from './http/adapter.ts'
import { createClientAddress } from './http/clientAddress.ts'
import { createDispatch } from './http/dispatch.ts'
import { docsRoutes } from './http/docs.ts'
import { createCors } from './http/headers.ts'
import { restRoutes } from './http/rest.ts'
import type { Route } from './http/route.ts'
import { createSockets, socketPath } from './http/socket.ts'
import { createServeStream } from './http/stream.ts'
import { systemRoutes } from './http/system.ts'
import { trpcRoutes } from './http/trpc.ts'
import { createIdentities } from './identities.ts'
import { modules as ownModules } from './modules.ts'
import type { Budgets } from './platform/budgets.ts'
import { startBus } from './platform/consumers/bus.ts'
import { type ConsumerRunner, createConsumerRunner } from './platform/consumers/runner.ts'
import { createDeadlines } from './platform/deadlines.ts'
import type { Duty } from './platform/duties/duty.ts'
import { reportDuties } from './platform/duties/reports.ts'
import { createDutyRunner, type DutyRunner } from './platform/duties/runner.ts'
import { createFeed, type Feed } from './platform/events/feed.ts'
import { createListener, type Listener } from './platform/events/listener.ts'
import { createStreams } from './platform/events/streams.ts'
import { openBudgets } from './platform/limits/openBudgets.ts'
import { createLoad } from './platform/load.ts'
import { countedBudgets } from './platform/metrics/countedBudgets.ts'
import { countedReplays } from './platform/metrics/countedReplays.ts'
import { createMetrics, type Metrics } from './platform/metrics/metrics.ts'
import { createRequestCounter } from './platform/metrics/requests.ts'
import { watchApp } from './platform/metrics/watchApp.ts'
import { createScraping } from './platform/metrics/workers.ts'
import { createReachability } from './platform/reachability.ts'
import type { AccessTokens } from './platform/tokens.ts'
import { forgetAnswers } from './rpc/forgetAnswers.ts'
import { createGate, createPermissionsNow } from './rpc/gates.ts'
import { checkKey } from './rpc/idempotency.ts'
import { type AnyModule, createProcedures } from './rpc/modules.ts'
import type { Procedure } from './rpc/procedure.ts'
import { createTrpcRouter } from './rpc/router.ts'
import { createTransact } from './rpc/transaction.ts'
import { createServices } from './services.ts'

/** What is done by the clock: by the modules, and for the idempotency keys of all of them. */
const dutiesOf = (modules: readonly AnyModule[]): Duty[] => [
  ...modules.flatMap((module) => module.duties ?? []),
  forgetAnswers,
]

const gateConnections = 3
/** Of the time that a call waits for a connection at most: a queue that takes longer is no longer joined. */
const queueShare = 1 / 6
/** Their reads are short; a request waits for one that runs and for its own. */
const gateTimeoutSeconds = 3
/** So that the refusal of a body that stopped is out within two seconds. */
const bodyIdleMs = 1_800

/** Where the database is, for the two roles that serve requests. `role` is taken on by SET ROLE when the URL is not its own. */
export interface DatabaseAddresses {
  readonly app: { readonly url: string; readonly role?: 'app' }
  readonly gate: { readonly url: string; readonly role?: 'gate' }
}

export interface AppOptions {
  readonly config: Config
  readonly addresses: DatabaseAddresses
  readonly log: Logger
  readonly version: string
  readonly now?: () => Date
  /** What the server is made of, when it is not the list of modules.ts. */
  readonly modules?: readonly AnyModule[]
}

export interface App {
  readonly adapter: 'uws' | 'node'
  /** Resolves to the port. Rejects as HttpServer.listen does. */
  readonly listen: () => Promise<number>
  /** What the pools of the two roles hold. */
  readonly pools: { readonly app: Database['stats']; readonly gate: Database['stats'] }
  /** Starts as the app listens, unless RUN_DUTIES says no. */
  readonly duties: Pick<DutyRunner, 'look'>
  /** Starts as the app listens, unless RUN_CONSUMERS says no. */
  readonly consumers: Pick<ConsumerRunner, 'look'>
  /** This instance's reading of the event log. */
  readonly feed: Pick<Feed, 'catchUp' | 'bounds'>
  /** Fails readiness, so that load balancers look elsewhere. */
  readonly stopBeingReady: () => void
  /** Whether anybody can manage what there is. */
  readonly hasAdministrator: () => Promise<boolean>
  /** Accepts no more, lets what runs finish within the time, then closes everything. */
  readonly close: (withinMs: number) => Promise<void>
}

/** Builds everything and joins it: the only place that knows all parts. */
export const createApp = async (options: AppOptions): Promise<App> => {
  const { config, log, modules = ownModules } = options
  let isStopping = false
  let listener: Listener | undefined
  const metrics = createMetrics()
  const scraping = createScraping(metrics)
  const poolOf = (name: 'app' | 'gate') => ({ ...poolOptions(options, name), onWaited: waitOf(metrics, name) })
  let connectionsGiven = 0
  const noteWait = waitOf(metrics, 'app')
  const onWaited = (seconds: number) => {
    connectionsGiven++
    noteWait(seconds)
  }
  const database = openDatabase({ ...poolOf('app'), onWaited })
  const gateDatabase = openDatabase(poolOf('gate'))
  const { budgets: uncounted, close: closeBudgets } = await openBudgets({
    config,
    openDatabase: (settings) => openDatabase({ ...poolOptions(options, 'app'), ...settings }),
    log,
  })
  const budgets = countedBudgets(uncounted, metrics)
  const { services, seal } = await createServices({
    config,
    database,
    budgets,
    metrics,
    now: options.now ?? (() => new Date()),
  })
  const { tokens } = services
  const gateParts = { budgets, ...createIdentities({ tokens, database, gateDatabase, log }) }
  const feed = createFeed({ database, gateDatabase, log })
  const streams = createStreams({
    feed,
    gateDatabase,
    maxStreams: config.streams.max,
    onFull: () => metrics.count('tsforge_requests_shed_total', { reason: 'streams' }),
  })
  const deadlines = createDeadlines(config.http.requestTimeoutSeconds)
  const load = createLoad({
    maxRunning: config.http.maxCallsRunning,
    maxDelayMs: config.http.maxLoopDelayMs,
    running: deadlines.running,
    pool: { waiting: () => database.stats().waiting, given: () => connectionsGiven },
    maxWaitMs: queueShare * 1000 * config.database.acquireTimeoutSeconds,
    onRefused: () => metrics.count('tsforge_requests_shed_total', { reason: 'server' }),
  })
  const procedures = createProcedures(modules, {
    deadlines,
    load,
    services: { ...services, streams, permissionsNow: createPermissionsNow(gateParts) },
    gates: [createGate(gateParts), checkKey],
    transact: countedReplays(createTransact(database, seal, feed.nudge), metrics),
  })

  const router = createTrpcRouter(procedures)
  const sockets = createSockets({ procedures, router, budgets, origins: config.http.corsOrigins })
  const duties = dutiesOf(modules)
  const settings = { eventRetentionDays: config.events.retentionDays }
  const runner = createDutyRunner({
    duties,
    database,
    settings,
    log,
    onRun: (duty, outcome) => metrics.count('tsforge_duty_runs_total', { duty, outcome }),
  })
  const handlerParts = { database, gateDatabase, feed, log, onRecorded: feed.nudge }
  const consumers = createConsumerRunner(
    modules.flatMap((module) => module.consumers ?? []),
    handlerParts,
  )
  const stopBus = startBus(
    modules.flatMap((module) => module.on ?? []),
    handlerParts,
  )
  const isReachable = createReachability([database, gateDatabase])
  const notReady = async () => {
    if (isStopping) return 'shutting down'
    return (await isReachable()) ? undefined : 'database unavailable'
  }
  const { trustedProxies } = config.http
  const handle = createDispatch({
    routes: createRoutes({
      options,
      budgets,
      procedures,
      router,
      publicKeys: tokens.publicKeys,
      scrape: scraping.scrape,
      notReady,
      database,
      modules,
      duties,
    }),
    socketRoute: sockets.route,
    cors: createCors(config.http.corsOrigins),
    budgets,
    clientAddress: createClientAddress(addressSet(trustedProxies), trustedProxies.length > 0),
    log,
    countRequest: createRequestCounter(metrics),
  })
  const listenUrl = config.database.listenUrl ?? options.addresses.app.url
  const adapter = await chooseAdapter(config.http.adapter)
  if (adapter.notice && cluster.isPrimary) log.warn(adapter.notice)
  const server = adapter.create({ bodyLimitBytes: config.http.bodyLimitBytes, bodyIdleMs, socketPath, handle })
  const stopWatching = watchApp(metrics, {
    version: options.version,
    adapter: adapter.name,
    server,
    streams,
    sockets,
    hashing: services.passwords,
    pools: {
      app: { max: config.database.maxConnections, stats: database.stats },
      gate: { max: gateConnections, stats: gateDatabase.stats },
    },
  })

  return {
    adapter: adapter.name,
    pools: { app: database.stats, gate: gateDatabase.stats },
    duties: runner,
    consumers,
    feed,
    async listen() {
      const { host, port, workers } = config.http
      const chosen = await server.listen({ host, port, exclusive: workers === 1 })
      if (config.runsDuties) runner.start()
      feed.start()
      if (config.runsConsumers) consumers.start()
      listener = createListener({
        url: listenUrl,
        applicationName: `${config.serviceName} events`,
        onPoke: feed.nudge,
        onLost: (error) =>
          log.warn({ err: error }, 'nobody tells of events; they are polled until the connection for LISTEN is back'),
      })
      return chosen
    },
    stopBeingReady() {
      isStopping = true
    },
    async hasAdministrator() {
      return (await database.readAs({ tenant: 'global' }, (db) => findAnyAdmin(db))).length > 0
    },
    async close(withinMs) {
      isStopping = true
      // Before the streams end, so that those on a socket are known to go on elsewhere.
      sockets.drain()
      streams.close()
      server.drain()
      server.stopListening()
      stopBus()
      await Promise.all([
        untilNone(() => server.inFlight + sockets.unanswered, withinMs),
        runner.stop(withinMs),
        consumers.stop(withinMs),
      ])
      sockets.close()
      await untilNone(() => sockets.count, Math.min(withinMs, goodbyeMs))
      server.close()
      deadlines.close()
      load.close()
      stopWatching()
      scraping.close()
      await Promise.all([services.passwords.close(), feed.stop(), listener?.stop()])
      await Promise.all([database.close(), gateDatabase.close(), closeBudgets()])
    },
  }
}

interface RouteParts {
  readonly budgets: Budgets
  readonly options: AppOptions
  readonly procedures: readonly Procedure[]
  readonly router: ReturnType<typeof createTrpcRouter>
  readonly publicKeys: AccessTokens['publicKeys']
  readonly notReady: () => Promise<string | undefined>
  readonly scrape: () => Promise<string>
  readonly database: Database
  readonly modules: readonly AnyModule[]
  readonly duties: readonly Duty[]
}

/** Everything that a path leads to. */
const createRoutes = ({
  options: { config, version },
  budgets,
  procedures,
  router,
  publicKeys,
  notReady,
  scrape,
  database,
  modules,
  duties,
}: RouteParts): Route[] => {
  const serveStream = createServeStream(config.streams.lifetimeSeconds * 1000)
  return [
    ...systemRoutes({
      serviceName: config.serviceName,
      version,
      adminToken: config.adminToken,
      publicKeys,
      moduleNames: modules.map(({ name }) => name),
      notReady,
      scrape,
      duties: () => reportDuties(duties, database.db),
    }),
    ...docsRoutes({ document }),
    ...restRoutes(procedures, serveStream),
    ...trpcRoutes({ procedures, router, budgets, serveStream }),
  ]
}

/** Where a pool says how long its callers waited. */
const waitOf = (metrics: Metrics, name: 'app' | 'gate') =>
  metrics.timing('db_client_connection_wait_time_seconds', { db_client_connection_pool_name: name })

const poolOptions = ({ config, addresses, log }: AppOptions, name: 'app' | 'gate') => ({
  ...addresses[name],
  maxConnections: name === 'gate' ? gateConnections : config.database.maxConnections,
  statementCache: config.database.statementCache,
  applicationName: `${config.serviceName} ${name}`,
  acquireTimeoutMs: config.database.acquireTimeoutSeconds * 1000,
  statementTimeoutMs:
    1000 * Math.min(config.database.statementTimeoutSeconds, name === 'gate' ? gateTimeoutSeconds : Infinity),
  onError: (error: Error) => log.warn({ err: error }, 'database connection lost'),
})

const pollMs = 10
/** How long closed sockets may take to say goodbye. */
const goodbyeMs = 500

/** Waits until nothing is left open, at most so long. */
const untilNone = async (countOpen: () => number, withinMs: number): Promise<void> => {
  const deadline = performance.now() + withinMs
  while (countOpen() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, pollMs))
}
