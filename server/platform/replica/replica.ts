import type { Logger } from 'pino'
import type { Database, DatabaseOptions } from '../../../db/database.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { createMarkedReads, type MarkedReads } from './reads.ts'
import { createWatch, type Obstacle } from './watch.ts'

interface Parts {
  readonly open: (settings: Partial<DatabaseOptions>) => Database
  /** Answers what the replica must not or cannot. */
  readonly primary: Database
  /** The primary too, asked where its log ends: not the pool that handlers wait for. */
  readonly positions: Database
  /** The most that may lie between a write and its being seen. */
  readonly lagSeconds: number
  readonly metrics: Metrics
  readonly log: Logger
}

export interface ReplicaReport {
  readonly used: boolean
  /** Why the primary answers in its place. */
  readonly reason?: Obstacle
  /** At most so old is what it shows. */
  readonly lag_seconds: number
}

/** A read replica: the reads that may go there, and the watch over it. Whatever becomes of it, nothing fails. */
export interface Replica {
  readonly reads: MarkedReads
  readonly report: () => ReplicaReport
  readonly stats: Database['stats']
  readonly start: () => void
  readonly close: () => Promise<void>
}

/** A replica that does not let us in at once is passed over; the pool may also be busy. */
const acquireTimeoutMs = 1_000

export const createReplica = ({ open, primary, positions, lagSeconds, metrics, log }: Parts): Replica => {
  const onError = (error: Error) => watch.lose(error)
  const settings = { acquireTimeoutMs, onError }
  const replica = open(settings)
  const watched = open({ ...settings, maxConnections: 1, onWaited: () => {} })
  const onAway = () => reads.giveUp()
  const watch = createWatch({ primary: positions, replica: watched, lagSeconds, log, onAway })
  const reads = createMarkedReads({ primary, replica, watch, metrics })
  metrics.watch('tsforge_replica_lag_seconds', watch.lagSeconds)
  return {
    reads,
    report() {
      const reason = watch.obstacle()
      const lag_seconds = Math.round(watch.lagSeconds() * 1000) / 1000
      return reason === undefined ? { used: true, lag_seconds } : { used: false, reason, lag_seconds }
    },
    stats: replica.stats,
    start: watch.start,
    async close() {
      await watch.stop()
      await Promise.all([replica.close(), watched.close()])
    },
  }
}
