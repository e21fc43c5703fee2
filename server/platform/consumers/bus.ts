import type { Logger } from 'pino'
import type { Topic } from '../../../contract/vocabulary.ts'
import type { Database } from '../../../db/database.ts'
import type { Feed } from '../events/feed.ts'
import type { LoggedEvent } from '../events/loggedEvent.ts'
import { traceHandling } from '../tracing/messages.ts'
import type { Span } from '../tracing/span.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { Effects, EventOn } from './consumer.ts'
import { effectsOf } from './effects.ts'
import { asEvent } from './partition.ts'

/** What an instance does about an event for itself: drop what it has cached, for instance. */
export type Subscriptions = {
  readonly [T in Topic]?: (event: EventOn<T>, effects: Effects) => void | Promise<void>
}

type Subscriber = (event: EventOn<Topic>, effects: Effects) => void | Promise<void>

interface Parts {
  readonly feed: Feed
  readonly database: Database
  readonly log: Logger
  readonly onRecorded: () => void
  readonly tracing?: Tracing | undefined
}

/** Events that one subscriber has not come to yet; what comes beyond is dropped, with a line in the log. */
const waitingMax = 1_000

/**
 * Tells the subscribers of this instance of each event once the feed has it: every instance, each event at most once, in
 * order for each subscriber. What happens while an instance is down, it is not told. Returns how to stop.
 */
export const startBus = (subscriptions: readonly Subscriptions[], parts: Parts): (() => void) => {
  const queues = new Map<string, Queue[]>()
  for (const [topic, subscriber] of subscriptions.flatMap((one) => Object.entries(one))) {
    const { tracing } = parts
    const tell = (event: LoggedEvent): Promise<void> =>
      tracing
        ? traceHandling(tracing, { event, name: `on ${topic}`, attempt: 1 }, (span) => tellUntraced(event, span))
        : tellUntraced(event)
    const tellUntraced = async (event: LoggedEvent, span?: Span) => {
      const effects = effectsOf(event, parts, span)
      try {
        await (subscriber as Subscriber)(asEvent(event), effects)
      } catch (err) {
        span?.fail(err)
        effects.log.error({ err }, 'a subscriber failed on an event; it is not told again')
      }
    }
    queues.set(topic, [...(queues.get(topic) ?? []), new Queue(tell, parts.log)])
  }
  if (queues.size === 0) return () => {}
  return parts.feed.onAdvance((events) => {
    for (const event of events) for (const queue of queues.get(event.topic) ?? []) queue.add(event)
  })
}

/** What one subscriber still has to be told. */
class Queue {
  readonly #tell: (event: LoggedEvent) => Promise<void>
  readonly #log: Logger
  #waiting: LoggedEvent[] = []
  #isBusy = false

  constructor(tell: (event: LoggedEvent) => Promise<void>, log: Logger) {
    this.#tell = tell
    this.#log = log
  }

  add(event: LoggedEvent): void {
    const { topic, position } = event
    if (this.#waiting.length >= waitingMax)
      this.#log.warn({ topic, position }, 'a subscriber is too slow; it misses an event')
    else this.#waiting.push(event)
    if (!this.#isBusy) void this.#tellAll()
  }

  async #tellAll(): Promise<void> {
    this.#isBusy = true
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await this.#tell(next)
    this.#isBusy = false
  }
}
