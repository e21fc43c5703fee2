import type { Database } from '../../../db/database.ts'
import { refuse } from '../../rpc/failure.ts'
import type { Feed } from './feed.ts'
import { Follower, type ReadAccess, type Viewer } from './follower.ts'
import type { EventStream } from './stream.ts'

const perUserMax = 10
/** Longer than this after the end of a session, a membership or a key, no stream of it is open. */
const checkMs = 1_000
const retrySeconds = 5

export interface Streams {
  /**
   * Opens a stream behind `lastEventId`, or from now on. Throws `rate_limited` for the eleventh of a user and
   * `overloaded` when this instance holds as many as it may.
   */
  readonly open: (viewer: Viewer, readAccess: ReadAccess, lastEventId: string | undefined) => Promise<EventStream>
  /** Streams that are open. */
  readonly count: () => number
  /** Ends all of them; their readers come back to another instance, or to this one when it is up again. */
  readonly close: () => void
}

interface Options {
  readonly feed: Feed
  readonly gateDatabase: Database
  /** Of one instance. */
  readonly maxStreams: number
  /** Told of each stream that is refused because there are so many. */
  readonly onFull: () => void
}

/** The streams of this instance. Each second the access of all of them is read again, in few statements. */
export const createStreams = ({ feed, gateDatabase, maxStreams, onFull }: Options): Streams => {
  const open = new Set<Follower>()
  const perUser = new Map<string, number>()
  let isClosed = false

  const leave = feed.onAdvance(() => {
    for (const follower of open) follower.wake()
  })
  const leaveRestarts = feed.onRestart(() => {
    for (const follower of open) follower.goAstray()
  })
  const check = setInterval(() => {
    for (const follower of open) {
      // While the database is away nothing is shown either.
      follower.checkAccess().catch(() => {})
      follower.wake()
    }
  }, checkMs).unref()

  const count = (userId: string, change: number) => {
    const now = (perUser.get(userId) ?? 0) + change
    if (now > 0) perUser.set(userId, now)
    else perUser.delete(userId)
  }

  return {
    async open(viewer, readAccess, lastEventId) {
      if (isClosed || open.size >= maxStreams) {
        onFull()
        throw refuse('overloaded', { retryAfterSeconds: retrySeconds })
      }
      if ((perUser.get(viewer.userId) ?? 0) >= perUserMax)
        throw refuse('rate_limited', { retryAfterSeconds: retrySeconds })
      const onClose = () => {
        open.delete(follower)
        count(viewer.userId, -1)
      }
      const follower = new Follower({ feed, gateDatabase, readAccess, onClose }, viewer)
      open.add(follower)
      count(viewer.userId, 1)
      try {
        await follower.begin(lastEventId)
      } catch (error) {
        follower.close()
        throw error
      }
      return follower
    },
    count: () => open.size,
    close() {
      isClosed = true
      leave()
      leaveRestarts()
      clearInterval(check)
      for (const follower of open) follower.close()
    },
  }
}
