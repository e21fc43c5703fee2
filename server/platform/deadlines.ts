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
 * that beginning and ending one costs an object and a place in a list.
 */
export const createDeadlines = (defaultSeconds: number): Deadlines => {
  const open = new OpenDeadlines()
  const shared = { nowMs: performance.now(), paused: 0 }
  const look = () => {
    shared.nowMs = performance.now()
    open.removeWhere((deadline) => deadline.isOver(shared.nowMs) && deadline.expire())
  }
  const timer = setInterval(look, lookMs).unref()
  return {
    begin(timed, seconds = defaultSeconds) {
      const deadline = new OpenDeadline(timed, { seconds, open, shared })
      open.add(deadline)
      return deadline
    },
    running: () => open.count - shared.paused,
    close: () => clearInterval(timer),
  }
}

/**
 * A list whose members know their place. Not a Set: V8 makes a new table for one that comes and goes, and the tables that
 * it leaves behind are chained, so that one which has grown old keeps all later ones and what stood in them until the
 * whole heap is collected. Each call would outlive itself by that, at a tenth of the CPU of a small read.
 */
class OpenDeadlines {
  readonly #all: OpenDeadline[] = []

  get count(): number {
    return this.#all.length
  }

  add(deadline: OpenDeadline): void {
    deadline.place = this.#all.length
    this.#all.push(deadline)
  }

  /** The last one takes its place. */
  remove(deadline: OpenDeadline): void {
    if (deadline.place === nowhere) return
    const last = this.#all.pop()
    if (last && last !== deadline) {
      last.place = deadline.place
      this.#all[last.place] = last
    }
    deadline.place = nowhere
  }

  removeWhere(isOver: (deadline: OpenDeadline) => boolean): void {
    for (const deadline of this.#all.toReversed()) if (isOver(deadline)) this.remove(deadline)
  }
}

const nowhere = -1

interface Surroundings {
  readonly seconds: number
  readonly open: OpenDeadlines
  readonly shared: { readonly nowMs: number; paused: number }
}

class OpenDeadline implements Deadline {
  /** In the list of those that are open. */
  place = nowhere
  #atMs: number
  #pausedAtMs = 0
  readonly #timed: Timed
  readonly #around: Surroundings

  constructor(timed: Timed, around: Surroundings) {
    this.#timed = timed
    this.#around = around
    // The call may have begun right before the next look.
    this.#atMs = around.shared.nowMs + around.seconds * 1000 + lookMs
  }

  pause(): void {
    const { shared } = this.#around
    this.#pausedAtMs = shared.nowMs
    shared.paused++
  }

  resume(): void {
    if (this.#pausedAtMs === 0) return
    const { shared } = this.#around
    this.#atMs += shared.nowMs - this.#pausedAtMs
    this.#pausedAtMs = 0
    shared.paused--
  }

  end(): void {
    this.resume()
    this.#around.open.remove(this)
  }

  isOver(nowMs: number): boolean {
    return this.#pausedAtMs === 0 && nowMs >= this.#atMs
  }

  expire(): boolean {
    return this.#timed.expire()
  }
}
