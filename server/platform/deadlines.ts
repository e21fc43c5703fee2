/** Something that must be over in time. */
export interface Timed {
  /** Called once the time is up, and again at each look as long as it answers false: it cannot be ended just now. */
  readonly expire: () => boolean
}

/** The time that one call has. */
export interface Deadline {
  /** Stops the clock: what follows waits for the client, which has limits of its own. */
  readonly pause: () => void
  readonly resume: () => void
  /** It is over in time. */
  readonly end: () => void
}

export interface Deadlines {
  /** `seconds` for what has a time of its own. */
  readonly begin: (timed: Timed, seconds?: number) => Deadline
  /** Calls that are at work: those that wait for their body are not. */
  readonly running: () => number
  readonly close: () => void
}

/** A call may run so much longer than it should. Well below the second that deadlines are given in. */
const lookMs = 100

/**
 * Deadlines without a timer each: one timer looks at all that run. The clock of a call is read from the last look, so
 * that beginning and ending one costs an object and a place in a set.
 */
export const createDeadlines = (defaultSeconds: number): Deadlines => {
  const open = new Set<OpenDeadline>()
  const shared = { nowMs: performance.now(), paused: 0 }
  const look = () => {
    shared.nowMs = performance.now()
    for (const deadline of open) if (deadline.isOver(shared.nowMs) && deadline.expire()) open.delete(deadline)
  }
  const timer = setInterval(look, lookMs).unref()
  return {
    begin(timed, seconds = defaultSeconds) {
      const deadline = new OpenDeadline(timed, { seconds, open, shared })
      open.add(deadline)
      return deadline
    },
    running: () => open.size - shared.paused,
    close: () => clearInterval(timer),
  }
}

interface Place {
  readonly seconds: number
  readonly open: Set<OpenDeadline>
  readonly shared: { readonly nowMs: number; paused: number }
}

class OpenDeadline implements Deadline {
  #atMs: number
  #pausedAtMs = 0
  readonly #timed: Timed
  readonly #place: Place

  constructor(timed: Timed, place: Place) {
    this.#timed = timed
    this.#place = place
    // The call may have begun right before the next look.
    this.#atMs = place.shared.nowMs + place.seconds * 1000 + lookMs
  }

  pause(): void {
    const { shared } = this.#place
    this.#pausedAtMs = shared.nowMs
    shared.paused++
  }

  resume(): void {
    if (this.#pausedAtMs === 0) return
    const { shared } = this.#place
    this.#atMs += shared.nowMs - this.#pausedAtMs
    this.#pausedAtMs = 0
    shared.paused--
  }

  end(): void {
    this.resume()
    this.#place.open.delete(this)
  }

  isOver(nowMs: number): boolean {
    return this.#pausedAtMs === 0 && nowMs >= this.#atMs
  }

  expire(): boolean {
    return this.#timed.expire()
  }
}
