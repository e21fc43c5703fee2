import type { AppOptions } from './app.ts'
import { createIdentities } from './identities.ts'
import { createDeadlines } from './platform/deadlines.ts'
import type { Feed } from './platform/events/feed.ts'
import { createStreams } from './platform/events/streams.ts'
import type { Flags } from './platform/flags/flags.ts'
import { openBudgets } from './platform/limits/openBudgets.ts'
import { createLoad } from './platform/load.ts'
import { countedReplays } from './platform/metrics/countedReplays.ts'
import type { Metrics } from './platform/metrics/metrics.ts'
import { countRefusals } from './platform/metrics/refusals.ts'
import { createReplica } from './platform/replica/replica.ts'
import { noteWrite, ownWriteSeconds } from './platform/replica/writes.ts'
import type { Tracing } from './platform/tracing/tracing.ts'
import type { Pools } from './pools.ts'
import { createGate, createPermissionsNow } from './rpc/gates.ts'
import { checkKey } from './rpc/idempotency.ts'
import type { AnyModule } from './rpc/module.ts'
import { createProcedures } from './rpc/modules.ts'
import { createTransact } from './rpc/transaction.ts'
import { createServices } from './services.ts'

/** Of the time that a call waits for a connection at most: a queue that takes longer is no longer joined. */
const queueShare = 1 / 6

interface Parts {
  readonly options: Pick<AppOptions, 'config' | 'log' | 'now'>
  readonly modules: readonly AnyModule[]
  readonly metrics: Metrics
  readonly pools: Pools
  readonly feed: Feed
  /** Told when an event was committed. */
  readonly onRecorded: () => void
  readonly flags: Flags
  readonly tracing: Tracing | undefined
}

export type Calls = Awaited<ReturnType<typeof createCalls>>

/** The procedures, and what stands between a call and its handler. */
export const createCalls = async ({ options, modules, metrics, pools, feed, onRecorded, flags, tracing }: Parts) => {
  const { config, log, now = () => new Date() } = options
  const { database, gateDatabase } = pools
  const onRefused = countRefusals(metrics)
  const { budgets, close } = await openBudgets({ config, openDatabase: pools.openApart, log, onRefused })
  const { replicaLagSeconds: lagSeconds } = config.database
  const open = pools.openReplica
  const replica = open && createReplica({ open, primary: database, positions: gateDatabase, lagSeconds, metrics, log })
  const ownWrites = replica && { ownWriteSeconds: ownWriteSeconds(lagSeconds), noteWrite }
  const { services, seal } = await createServices({ config, database, budgets, metrics, now })
  const shed = (reason: 'streams' | 'server') => () => metrics.count('tsforge_requests_shed_total', { reason })
  const streams = createStreams({ feed, gateDatabase, maxStreams: config.streams.max, onFull: shed('streams') })
  const deadlines = createDeadlines(config.http.requestTimeoutSeconds)
  const load = createLoad({
    maxRunning: config.http.maxCallsRunning,
    maxDelayMs: config.http.maxLoopDelayMs,
    running: deadlines.running,
    pool: { waiting: () => database.stats().waiting, given: pools.given },
    maxWaitMs: queueShare * 1000 * config.database.acquireTimeoutSeconds,
    onRefused: shed('server'),
  })
  const { tokens, passwords } = services
  const gateParts = {
    budgets,
    asksForRoles: flags.asksForRoles,
    ...createIdentities({ tokens, database, gateDatabase, log, tracing, ...ownWrites }),
  }
  const procedures = createProcedures(modules, {
    deadlines,
    load,
    tracing,
    services: { ...services, flags, replica: replica?.reads, streams, permissionsNow: createPermissionsNow(gateParts) },
    gates: [createGate(gateParts), checkKey],
    transact: countedReplays(createTransact(database, seal, onRecorded, ownWrites?.noteWrite), metrics),
  })
  return {
    procedures,
    replica,
    budgets,
    streams,
    passwords,
    publicKeys: tokens.publicKeys,
    load,
    async close() {
      deadlines.close()
      load.close()
      await Promise.all([passwords.close(), close(), replica?.close()])
    },
  }
}
