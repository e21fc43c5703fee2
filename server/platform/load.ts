export interface Load {
  /** Whether one more call may begin. What may not is refused before anything was done for it. */
  readonly hasRoom: () => boolean
  /** Counts one that did not. */
  readonly noteRefused: () => void
  readonly close: () => void
}

export interface LoadLimits {
  /** Calls at work at once. More would only wait for each other, and hold memory while they do. */
  readonly maxRunning: number
  /** How late timers may be. */
  readonly maxDelayMs: number
  readonly running: () => number
  /** The calls that wait for a connection to the database, and how many have been given one so far. */
  readonly pool: { readonly waiting: () => number; readonly given: () => number }
  /** How long a call may have to wait for one. */
  readonly maxWaitMs: number
  readonly onRefused: () => void
}

const sampleMs = 50
/** A queue that is gone sooner is a burst, and lets everybody in. */
const standingSamples = 5
/** Of the last sample, in the rate at which connections are given: so that a second is remembered. */
const freshShare = 0.05
/** What is left of `maxRunning` while the event loop is late: enough to keep it busy, and little enough to catch up. */
const shareWhenLate = 0.1

/**
 * Says when this process has as much to do as it can. Three things tell: how many calls are at work; how late the event
 * loop is, which also sees a machine that others slow down; and how long the next call would wait for a connection, by
 * the queue and the rate at which it moves. A sample costs a timer, a call a few comparisons.
 */
export const createLoad = (limits: LoadLimits): Load => {
  const { maxRunning, maxDelayMs, running, pool, maxWaitMs, onRefused } = limits
  let room = maxRunning
  let queueRoom = Number.POSITIVE_INFINITY
  let [perMs, givenBefore, standing] = [0, 0, 0]
  let expectedMs = performance.now() + sampleMs
  const sample = () => {
    const nowMs = performance.now()
    const isLate = nowMs - expectedMs > maxDelayMs
    room = isLate ? Math.max(1, Math.floor(maxRunning * shareWhenLate)) : maxRunning
    measureQueue(nowMs - expectedMs + sampleMs)
    expectedMs = nowMs + sampleMs
  }
  const measureQueue = (passedMs: number) => {
    const given = pool.given()
    perMs += ((given - givenBefore) / passedMs - perMs) * freshShare
    givenBefore = given
    standing = pool.waiting() > 0 ? standing + 1 : 0
    queueRoom = standing < standingSamples ? Number.POSITIVE_INFINITY : Math.max(1, perMs * maxWaitMs)
  }
  const timer = setInterval(sample, sampleMs).unref()
  return {
    hasRoom: () => running() < room && pool.waiting() < queueRoom,
    noteRefused: onRefused,
    close: () => clearInterval(timer),
  }
}
