import type { Logger } from 'pino'
import type { Database } from '../../../db/database.ts'
import { type Bounds, numberEvents, numberingBatch, readBehind, readBounds } from './log.ts'
import type { LoggedEvent } from './loggedEvent.ts'
import { createLooks } from './looks.ts'

const readLimit = 500
/** Events kept in memory for those who follow closely; who is further behind reads the log. */
const remembered = 4_096

const lostEvents =
  'the event log has lost events that were read already, as after a failover or a restore: streams are told of a gap and ' +
  'consumers go on where the database has them; give the log a new epoch and restart, see docs/upgrading.md'

/** What this instance knows of the log: one read of it, whoever follows. */
export interface Feed {
  /** Bounds as last read; `last` is what has been read into memory. Undefined until the database has answered. */
  readonly bounds: Bounds | undefined
  /** Of performance.now(): all that was committed and could be numbered before then has been read here. */
  readonly completeAt: number
  /** Events behind a position, in order; undefined when they are no longer in memory. */
  readonly behind: (position: number) => readonly LoggedEvent[] | undefined
  /** Something was recorded and committed here. */
  readonly nudge: () => void
  /** Called with the new events after each advance; returns how to leave. */
  readonly onAdvance: (listener: (events: readonly LoggedEvent[]) => void) => () => void
  /** Called when the log has lost what was read here; `bounds` are those of the log as it is now. Returns how to leave. */
  readonly onRestart: (listener: () => void) => () => void
  /** Looks now and resolves when this instance is up to date. Rejects when the database is away. */
  readonly catchUp: () => Promise<void>
  readonly start: () => void
  /** Looks no more; resolves when the look that runs is over. */
  readonly stop: () => Promise<void>
}

interface Parts {
  /** Numbers events, as role app. */
  readonly database: Database
  /** Reads those of all tenants, as role gate. */
  readonly gateDatabase: Database
  readonly log: Logger
}

export const createFeed = ({ database, gateDatabase, log }: Parts): Feed => {
  const listeners = new Set<(events: readonly LoggedEvent[]) => void>()
  const restartListeners = new Set<() => void>()
  let bounds: Bounds | undefined
  let completeAt = performance.now()
  let memory: LoggedEvent[] = []
  let isStopped = false
  let isAway = false

  const take = (read: readonly LoggedEvent[], known: Bounds) => {
    memory = [...memory, ...read].slice(-remembered)
    bounds = { ...known, last: read.at(-1)?.position ?? known.last }
    for (const listener of listeners) listener(read)
  }

  /** Begins at the end of the log as it is now: what was read before stands in it no more. */
  const restart = async (): Promise<void> => {
    const found = await readBounds(gateDatabase.db)
    log.error({ read: bounds?.last, last: found.last }, lostEvents)
    bounds = found
    memory = []
    for (const listener of restartListeners) listener()
  }

  /** Reads on, from the event that was read last: another one in its place is that of a log that lost it. */
  const readOn = async (known: Bounds): Promise<boolean> => {
    const read = await readBehind(gateDatabase.db, { epoch: known.epoch, after: known.last - 1, limit: readLimit })
    const again = read[0]?.position === known.last ? read.shift() : undefined
    const newest = memory.at(-1)
    if (again && newest && again.json !== newest.json) await restart()
    else if (read.length > 0) take(read, known)
    return read.length > 0
  }

  /** Numbers and reads until there is nothing more. */
  const readAll = async (): Promise<void> => {
    bounds ??= await readBounds(gateDatabase.db)
    for (;;) {
      const before = bounds.last
      const last = await numberEvents(database.db)
      if (last < bounds.last) await restart()
      while (bounds.last < last && !isStopped) if (!(await readOn(bounds))) break
      if (last - before < numberingBatch || isStopped) return
    }
  }

  const look = async (): Promise<void> => {
    const startedAt = performance.now()
    try {
      await readAll()
      isAway = false
      completeAt = startedAt
    } catch (error) {
      if (!isAway && !isStopped) log.warn({ err: error }, 'the event log is out of reach; streams and consumers wait')
      isAway = true
      throw error
    }
  }
  const looks = createLooks(look)

  return {
    get bounds() {
      return bounds
    },
    get completeAt() {
      return completeAt
    },
    behind(position) {
      if (bounds && position >= bounds.last) return []
      const oldest = memory[0]?.position
      if (oldest === undefined || position < oldest - 1) return undefined
      return memory.slice(position - oldest + 1)
    },
    onRestart(listener) {
      restartListeners.add(listener)
      return () => void restartListeners.delete(listener)
    },
    nudge: looks.request,
    onAdvance(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    catchUp: looks.catchUp,
    start: looks.start,
    stop() {
      isStopped = true
      return looks.stop()
    },
  }
}
