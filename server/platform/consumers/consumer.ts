import type { Logger } from 'pino'
import type { EventOf } from '../../../contract/events.ts'
import type { Topic } from '../../../contract/vocabulary.ts'
import type { Db } from '../../../db/client.ts'
import type { Database } from '../../../db/database.ts'
import type { Scope } from '../../../db/tenant.ts'
import type { Record } from '../events/record.ts'

/** An event as the server's own code gets it; `topic` tells which payload it has. */
export type EventOn<T extends Topic> = { [K in T]: Received<K> }[T]

interface Received<T extends Topic> extends Omit<EventOf<T>, 'occurred_at'> {
  /** In the log, without gaps, from 1. */
  readonly position: number
  /** Whose matter it is. */
  readonly person_id: string | null
  /** W3C trace context of the call that did it. */
  readonly traceparent: string | null
  readonly occurred_at: Date
}

/** What the handler of an event may use. */
export interface Effects {
  /** As the role app. Sees no tenant's rows: those need `transaction` or `readAs`. */
  readonly db: Db
  readonly readAs: Database['readAs']
  /** Runs in the tenant of the event, or outside of all tenants, unless `scope` says otherwise. */
  readonly transaction: <R>(work: (tx: Db) => Promise<R>, scope?: Scope) => Promise<R>
  /** Tells of a change that the handler makes, in its transaction, as done by the server itself for the same call. */
  readonly record: Record
  /** Names the handler, the event, its request and its trace. */
  readonly log: Logger
}

/** What the handler of a consumer may use. */
export interface ConsumerEffects extends Effects {
  /**
   * Runs the effect and confirms the event in one transaction: both are committed, or neither, and neither is when
   * another instance has taken over. At most once an event, and last: what fails behind it is not tried again.
   */
  readonly transaction: Effects['transaction']
  /** Aborts when the server stops, when another instance takes over and when the time for one try is up. */
  readonly signal: AbortSignal
  /** Grows with each takeover of the partition: a fencing token for systems that compare such numbers. */
  readonly lease: number
  /** Which try this is, from 1. */
  readonly attempt: number
}

/** Work that each event of some topics causes, at least once, in the order of the log for each key. */
export interface Consumer<T extends Topic = Topic> {
  /** `<module>.<what it does>`; no other consumer has it, and its place in the log is kept under it. */
  readonly name: string
  readonly topics: readonly T[]
  /** Where it begins when the database sees it for the first time: with everything that the log still has, or behind it. */
  readonly from: 'start' | 'now'
  /** Events of one key are handled one after another. */
  readonly key: (event: EventOn<T>) => string
  /** How many keys can be worked on at once, over all instances. Settled when the database first sees the consumer. */
  readonly partitions: number
  /** Failed tries after which an event becomes a dead letter. */
  readonly tries: number
  /** The wait behind the first failure; it doubles with each. */
  readonly firstRetrySeconds: number
  readonly longestRetrySeconds: number
  /** What a try may take before it counts as failed. */
  readonly withinSeconds: number
  readonly handle: (event: EventOn<T>, effects: ConsumerEffects) => Promise<void>
}

type Defaults = 'key' | 'partitions' | 'tries' | 'firstRetrySeconds' | 'longestRetrySeconds' | 'withinSeconds'
type Asked<T extends Topic> = Omit<Consumer<T>, Defaults> & Partial<Pick<Consumer<T>, Defaults>>

const limits = { partitions: [1, 64], tries: [1, 100], withinSeconds: [0.001, 3_600] } as const

/** Defines a consumer. Throws when a number is out of its bounds, or no topic is named. */
export const consumer = <const T extends Topic>(asked: Asked<T>): Consumer => {
  const whole: Consumer<T> = {
    key: ({ target }) => target,
    partitions: 4,
    tries: 8,
    firstRetrySeconds: 1,
    longestRetrySeconds: 300,
    withinSeconds: 60,
    ...asked,
  }
  if (whole.topics.length === 0) throw new Error(`The consumer ${whole.name} names no topic.`)
  for (const [name, [least, most]] of Object.entries(limits)) {
    const value = whole[name as keyof typeof limits]
    if (!(value >= least && value <= most))
      throw new Error(`${name} of the consumer ${whole.name} must be ${least} to ${most}.`)
  }
  // It is given events of its own topics alone.
  return whole as unknown as Consumer
}
