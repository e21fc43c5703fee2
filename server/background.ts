import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import type { Config } from './config.ts'
import { type Subscriptions, startBus } from './platform/consumers/bus.ts'
import type { Consumer } from './platform/consumers/consumer.ts'
import { type ConsumerRunner, createConsumerRunner } from './platform/consumers/runner.ts'
import type { Ending } from './platform/consumers/tryOnce.ts'
import type { Duty } from './platform/duties/duty.ts'
import { reportDuties } from './platform/duties/reports.ts'
import { createDutyRunner, type DutyRunner } from './platform/duties/runner.ts'
import type { Feed } from './platform/events/feed.ts'
import { createListener, type Listener } from './platform/events/listener.ts'
import type { Metrics } from './platform/metrics/metrics.ts'
import type { Tracing } from './platform/tracing/tracing.ts'
import { forgetAnswers } from './rpc/forgetAnswers.ts'
import type { AnyModule } from './rpc/module.ts'

interface Parts {
  readonly config: Config
  readonly modules: readonly AnyModule[]
  /** What parts of the server besides the modules do about events, in each instance. */
  readonly on: readonly Subscriptions[]
  readonly database: Database
  readonly gateDatabase: Database
  readonly feed: Feed
  /** Told when an event was committed. */
  readonly onRecorded: () => void
  /** Where LISTEN works. */
  readonly listenUrl: string
  readonly metrics: Metrics
  readonly log: Logger
  readonly tracing?: Tracing | undefined
}

/** What the modules do without being asked: by the clock, and because of events. */
export interface Background {
  readonly duties: DutyRunner
  readonly consumers: ConsumerRunner
  /** The duties with their last runs, over all instances. */
  readonly reportDuties: () => ReturnType<typeof reportDuties>
  readonly start: () => void
  /** Begins nothing more and lets what runs end, at most so long. */
  readonly stop: (withinMs: number) => Promise<void>
  /** Reads the log no more. Comes last: whoever still runs may record. */
  readonly close: () => Promise<void>
}

export const createBackground = ({ config, modules, on, listenUrl, metrics, ...parts }: Parts): Background => {
  const { database, feed, log, tracing } = parts
  // By the modules, and for the idempotency keys of all of them.
  const own: readonly Duty[] = [...modules.flatMap((module) => module.duties ?? []), forgetAnswers]
  const duties = createDutyRunner({
    duties: own,
    database,
    settings: { eventRetentionDays: config.events.retentionDays },
    log,
    tracing,
    onRun: (duty, outcome) => metrics.count('tsforge_duty_runs_total', { duty, outcome }),
  })
  const handling = {
    ...parts,
    onTried: (consumer: string, outcome: Ending) =>
      metrics.count('tsforge_consumer_tries_total', { consumer, outcome }),
    onBuried: (consumer: string) => metrics.count('tsforge_dead_letters_total', { consumer }),
  }
  const consumed = modules.flatMap((module) => module.consumers ?? [])
  const consumers = createConsumerRunner(consumed, handling)
  metrics.watch('tsforge_feed_lag_seconds', () => (performance.now() - feed.completeAt) / 1_000)
  if (config.runsConsumers) watchLag(consumed, consumers, metrics)
  const subscribed = [...on, ...modules.flatMap((module) => module.on ?? [])]
  const stopBus = startBus(subscribed, handling)
  let listener: Listener | undefined

  return {
    duties,
    consumers,
    reportDuties: () => reportDuties(own, database.db),
    start() {
      if (config.runsDuties) duties.start()
      feed.start()
      if (config.runsConsumers) consumers.start()
      listener = createListener({
        url: listenUrl,
        applicationName: `${config.serviceName} events`,
        onPoke: feed.nudge,
        onLost: (err) =>
          log.warn({ err }, 'nobody tells of events; they are polled until the connection for LISTEN is back'),
      })
    },
    async stop(withinMs) {
      stopBus()
      await Promise.all([duties.stop(withinMs), consumers.stop(withinMs)])
    },
    async close() {
      await Promise.all([feed.stop(), listener?.stop()])
    },
  }
}

/** Clocks that differ make no age below zero. */
const watchLag = (consumed: readonly Consumer[], { oldest }: ConsumerRunner, { watch }: Metrics): void => {
  for (const { name } of consumed) {
    const lag = () => Math.max(0, Date.now() - (oldest(name)?.getTime() ?? Date.now())) / 1_000
    watch('tsforge_consumer_lag_seconds', lag, { consumer: name })
  }
}
