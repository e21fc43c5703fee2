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
  readonly close: () => void
}

/** A call may run so much longer than it should. Well below the second that deadlines are given in. */
const lookMs = 100

/**
 * Deadlines without a timer each: one timer looks at all that run. The clock of a call is read from the last look, so
 * that beginning and ending one costs an object and a place in a set.
 */
export const createDeadlines = (defaultSeconds: number): Deadlines => {
  const running = new Set<OpenDeadline>()
  const clock = { nowMs: performance.now() }
  const look = () => {
    clock.nowMs = performance.now()
    for (const deadline of running) if (deadline.isOver(clock.nowMs) && deadline.expire()) running.delete(deadline)
  }
  const timer = setInterval(look, lookMs).unref()
  return {
    begin: (timed, seconds = defaultSeconds) => new OpenDeadline(timed, { seconds, running, clock }),
    close: () => clearInterval(timer),
  }
}

interface Place {
  readonly seconds: number
  readonly running: Set<OpenDeadline>
  readonly clock: { readonly nowMs: number }
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
    this.#atMs = place.clock.nowMs + place.seconds * 1000 + lookMs
    place.running.add(this)
  }

  pause(): void {
    this.#pausedAtMs = this.#place.clock.nowMs
  }

  resume(): void {
    if (this.#pausedAtMs === 0) return
    this.#atMs += this.#place.clock.nowMs - this.#pausedAtMs
    this.#pausedAtMs = 0
  }

  end(): void {
    this.#place.running.delete(this)
  }

  isOver(nowMs: number): boolean {
    return this.#pausedAtMs === 0 && nowMs >= this.#atMs
  }

  expire(): boolean {
    return this.#timed.expire()
  }
}
