import type { PoolClient } from 'pg'
import { Cancellation } from '../../../db/cancellation.ts'
import { cut } from '../../../db/cancelRequest.ts'
import { codeOf } from '../../../db/causes.ts'
import type { Db } from '../../../db/client.ts'
import type { Database } from '../../../db/database.ts'
import type { Scope } from '../../../db/tenant.ts'
import { isStopped, isUnavailable } from '../../../db/unavailable.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Watch } from './watch.ts'

export interface MarkedRead {
  readonly scope: Scope
  /** The caller may have changed something that the replica does not have yet. */
  readonly wroteLately: boolean
  readonly cancellation: Cancellation
}

/** Reads that may be a little late. */
export interface MarkedReads {
  /**
   * Runs one query on the replica as readAs of a Database does, or on the primary where the replica must not or cannot
   * answer. Rejects as the primary does, and for a query that the replica stopped because it took too long.
   */
  readonly readAs: <T>(query: (db: Db) => Promise<T>, read: MarkedRead) => Promise<T>
}

interface Parts {
  readonly primary: Database
  readonly replica: Database
  readonly watch: Pick<Watch, 'obstacle'>
  readonly metrics: Metrics
}

/** `giveUp` ends the reads that run on the replica, which the primary then answers. */
export const createMarkedReads = (parts: Parts): MarkedReads & { readonly giveUp: () => void } => {
  const { primary, replica, watch, metrics } = parts
  const running = new Set<PoolClient>()

  const instead = <T>(reason: Reason, query: (db: Db) => Promise<T>, { scope, cancellation }: MarkedRead) => {
    metrics.count('tsforge_replica_fallbacks_total', { reason })
    metrics.count('tsforge_replica_reads_total', { place: 'primary' })
    return primary.readAs(scope, query, cancellation)
  }
  return {
    async readAs(query, read) {
      const obstacle = read.wroteLately ? 'own_write' : watch.obstacle()
      if (obstacle) return instead(obstacle, query, read)
      try {
        const answer = await replica.readAs(read.scope, query, new WatchedRead(read.cancellation, running))
        metrics.count('tsforge_replica_reads_total', { place: 'replica' })
        return answer
      } catch (error) {
        // A statement that took too long here would take as long there.
        if (read.cancellation.isCancelled || isStopped(error)) throw error
        return instead(reasonOf(error), query, read)
      }
    },
    giveUp() {
      for (const client of running) cut(client)
    },
  }
}

type Reason = NonNullable<ReturnType<Watch['obstacle']>> | 'own_write' | 'conflict' | 'error'

/**
 * Replay must go on and ended a query in its way (PostgreSQL manual, Hot Standby: Handling Query Conflicts); a table is
 * not there yet because its migration was not replayed; or the connection was lost.
 */
const reasonOf = (error: unknown): Reason => {
  const code = codeOf(error)
  if (code === '40001' || code === '40P01') return 'conflict'
  return isUnavailable(error) ? 'away' : 'error'
}

/** A read that ends with its call, and with the replica. */
class WatchedRead extends Cancellation {
  readonly #call: Cancellation
  readonly #running: Set<PoolClient>

  constructor(call: Cancellation, running: Set<PoolClient>) {
    super()
    this.#call = call
    this.#running = running
  }

  override begin(client: PoolClient): void {
    this.#call.begin(client)
    this.#running.add(client)
  }

  override end(client: PoolClient): void {
    this.#running.delete(client)
    this.#call.end(client)
  }
}
