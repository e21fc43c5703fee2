import type { Logger } from 'pino'
import { Cancellation } from '../../../db/cancellation.ts'
import type { Database } from '../../../db/database.ts'
import { createPositions } from './positions.ts'
import { readPrimary, readStandby, unsuited } from './standby.ts'

/** Why the primary is asked instead. */
export type Obstacle = 'lag' | 'away' | 'unsuited'

export interface WatchParts {
  readonly primary: Database
  /** A connection for the watch alone, so that a busy pool does not look like a replica that is away. */
  readonly replica: Database
  readonly lagSeconds: number
  readonly log: Logger
  /** The replica does not answer any more. */
  readonly onAway: () => void
}

export interface Watch {
  readonly obstacle: () => Obstacle | undefined
  /** How old what the replica shows may be at most; counted on while it is away. */
  readonly lagSeconds: () => number
  /** What was known of the replica may no longer hold: it is not used before the next look. */
  readonly lose: (error: unknown) => void
  readonly start: () => void
  readonly stop: () => Promise<void>
}

const slowestLookMs = 1_000
const looksPerBound = 4
const patienceMs = 2_000

/**
 * Compares the positions of primary and replica once a second, more often where the bound is narrow: never for a call.
 * Everything is judged from the last look that succeeded, so when looks come to nothing the replica is soon too old.
 */
export const createWatch = ({ primary, replica, lagSeconds, log, onAway }: WatchParts): Watch => {
  const boundMs = lagSeconds * 1000
  const positions = createPositions(boundMs)
  let coveredAt = performance.now()
  let trouble: Exclude<Obstacle, 'lag'> | undefined = 'away'
  let told: string | undefined
  let losses = 0
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined

  const obstacle = () => trouble ?? (performance.now() - coveredAt > boundMs ? 'lag' : undefined)
  const tell = (message: string, err?: unknown) => {
    if (message === told) return
    told = message
    log[message === served ? 'info' : 'warn'](err === undefined ? {} : { err }, message)
  }
  const lose = (error: unknown) => {
    losses++
    trouble = 'away'
    tell(away, error)
    onAway()
  }

  const look = async () => {
    const lossesBefore = losses
    const atMs = performance.now()
    const main = await withinPatience((cancellation) => readPrimary(primary.dbFor(cancellation))).catch(() => undefined)
    // Whether the replica is late can be told by the primary alone.
    if (!main) return
    positions.note(atMs, main.position)
    const standby = await withinPatience((cancellation) => readStandby(replica.dbFor(cancellation)))
    // Lost since it was asked: another one may have come up in its place, which has replayed less.
    if (losses !== lossesBefore) return
    const reason = unsuited(standby, main)
    if (reason !== undefined) {
      trouble = 'unsuited'
      return tell(`DATABASE_REPLICA_URL is not used: it ${reason}`)
    }
    const covered = positions.coveredBy(standby.position ?? 0n)
    coveredAt = covered ?? Math.min(coveredAt, atMs - boundMs - 1)
    trouble = undefined
    tell(obstacle() === 'lag' ? late : served)
  }

  const next = () => {
    looking = look()
      .catch(lose)
      .finally(() => {
        if (timer) timer = setTimeout(next, Math.min(slowestLookMs, boundMs / looksPerBound)).unref()
      })
  }
  return {
    obstacle,
    lagSeconds: () => (performance.now() - coveredAt) / 1000,
    lose,
    start() {
      timer = setTimeout(next, 0).unref()
    },
    async stop() {
      clearTimeout(timer)
      timer = undefined
      await looking
    },
  }
}

const served = 'the read replica serves reads'
const late = 'the read replica is more than REPLICA_LAG_SECONDS late; the primary serves its reads'
const away = 'the read replica does not answer; the primary serves its reads until it does'

/** Runs a query that ends with its connection when it takes too long, as on a network that swallows packets. */
const withinPatience = async <T>(query: (cancellation: Cancellation) => Promise<T>): Promise<T> => {
  const cancellation = new Cancellation()
  const timer = setTimeout(() => cancellation.cancel(), patienceMs)
  try {
    return await query(cancellation)
  } finally {
    clearTimeout(timer)
  }
}
