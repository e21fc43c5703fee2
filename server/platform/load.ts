export interface Load {
  /** Whether one more call may begin. What may not is refused before anything was done for it. */
  readonly hasRoom: () => boolean
  readonly close: () => void
}

export interface LoadLimits {
  /** Calls at work at once. More would only wait for each other, and hold memory while they do. */
  readonly maxRunning: number
  /** How late timers may be. */
  readonly maxDelayMs: number
  readonly running: () => number
  readonly onRefused: () => void
}

const sampleMs = 50
/** What is left of `maxRunning` while the event loop is late: enough to keep it busy, and little enough to catch up. */
const shareWhenLate = 0.1

/**
 * Says when this process has as much to do as it can. Two things tell: how many calls are at work, and how late the
 * event loop is, which also sees a machine that others slow down. A sample costs a timer, a call two comparisons.
 */
export const createLoad = ({ maxRunning, maxDelayMs, running, onRefused }: LoadLimits): Load => {
  let room = maxRunning
  let expectedMs = performance.now() + sampleMs
  const sample = () => {
    const nowMs = performance.now()
    const isLate = nowMs - expectedMs > maxDelayMs
    room = isLate ? Math.max(1, Math.floor(maxRunning * shareWhenLate)) : maxRunning
    expectedMs = nowMs + sampleMs
  }
  const timer = setInterval(sample, sampleMs).unref()
  return {
    hasRoom() {
      if (running() < room) return true
      onRefused()
      return false
    },
    close: () => clearInterval(timer),
  }
}
