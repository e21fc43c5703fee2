import type { LoggedEvent } from '../events/loggedEvent.ts'
import type { Consumer } from './consumer.ts'
import type { Redrive } from './deadLetters.ts'

/** How a partition was found when it was taken. */
export interface Taken {
  readonly consumer: Consumer
  readonly partition: number
  /** Of how many. */
  readonly partitions: number
  readonly lease: number
  readonly position: number
  /** Failed tries of the next event. */
  readonly attempts: number
  /** Of performance.now(). */
  readonly retryAt: number
  /** Whoever had it before did not give it back, and may have ended over the next event. */
  readonly isSuspect: boolean
  /** Of performance.now(): the lease may be over then, unless it was renewed. */
  readonly goodUntil: number
}

/** A partition that this instance holds. It changes as its events are handled and its lease is renewed. */
export class Holding {
  readonly consumer: Consumer
  readonly partition: number
  readonly partitions: number
  readonly lease: number
  /** Read from the log and not handled yet, in order. */
  waiting: readonly LoggedEvent[] = []
  redrives: readonly Redrive[] = []
  /** When the event that was done with last had occurred. */
  reachedTime: Date | undefined
  attempts: number
  /** How the last try of the next event failed here; undefined when none did. */
  failure: string | undefined
  retryAt: number
  isSuspect: boolean
  goodUntil: number
  /** Everything up to here was read: handled, waiting or not of this partition. */
  readTo: number
  readonly #end = new AbortController()
  #isLost = false
  #isForgotten = false
  #wake: (() => void) | undefined
  #isAwake = false

  constructor(taken: Taken) {
    this.consumer = taken.consumer
    this.partition = taken.partition
    this.partitions = taken.partitions
    this.lease = taken.lease
    this.readTo = taken.position
    this.attempts = taken.attempts
    this.retryAt = taken.retryAt
    this.isSuspect = taken.isSuspect
    this.goodUntil = taken.goodUntil
  }

  /** What the rows of this partition are found by, and what fences them. */
  get row() {
    return { name: this.consumer.name, partition: this.partition, lease: this.lease }
  }

  /** What log lines say of it. */
  get names() {
    return { consumer: this.consumer.name, partition: this.partition, lease: this.lease }
  }

  /** Everything up to here is done with. */
  get position(): number {
    return this.#positionBefore(this.waiting[0])
  }

  /** Where the partition stands once the first event that waits is done with. */
  get nextPosition(): number {
    return this.#positionBefore(this.waiting[1])
  }

  /** Aborts when the partition is to be worked on no more. */
  get signal(): AbortSignal {
    return this.#end.signal
  }

  get isOver(): boolean {
    return this.#end.signal.aborted
  }

  /** Another instance has taken over, so there is nothing to give back. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** The first event that waits is done with. */
  advance(): void {
    this.reachedTime = this.waiting[0]?.occurred_at
    this.waiting = this.waiting.slice(1)
    this.attempts = 0
    this.failure = undefined
    this.retryAt = 0
    this.isSuspect = false
  }

  /** To be given back after the event at hand. */
  end(): void {
    this.#end.abort()
    this.wake()
  }

  /** The log has lost what was read: given back at the position that the database has, whatever was handled here. */
  forget(): void {
    this.#isForgotten = true
    this.end()
  }

  lose(): void {
    this.#isLost = true
    this.end()
  }

  /** There may be something to do. */
  wake(): void {
    this.#isAwake = true
    this.#wake?.()
  }

  /** Resolves when woken since the last time, or after so long. */
  async untilWoken(withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    if (!this.#isAwake && !this.isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        timer = setTimeout(resolve, withinMs).unref()
      })
    }
    clearTimeout(timer)
    this.#wake = undefined
    this.#isAwake = false
  }

  #positionBefore(event: LoggedEvent | undefined): number {
    // The row says greatest(): it stays where it is.
    if (this.#isForgotten) return 0
    return event ? event.position - 1 : this.readTo
  }
}
