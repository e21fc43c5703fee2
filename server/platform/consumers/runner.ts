import type { Consumer } from './consumer.ts'
import { createHoldings, type Holdings } from './holdings.ts'
import type { WorkerParts } from './worker.ts'

/** Works for the consumers of this process. */
export interface ConsumerRunner extends Pick<Holdings, 'oldest'> {
  /** Takes its share of the partitions and prolongs what it holds. Rejects when the database cannot be asked. */
  readonly look: () => Promise<void>
  /** Looks again and again from now on, without keeping the process alive. */
  readonly start: () => void
  /** Takes no more, lets the events at hand be handled, at most so long, and gives back what it holds. */
  readonly stop: (withinMs: number) => Promise<void>
}

const lookMs = 1_000

/** Throws when two consumers have one name. */
export const createConsumerRunner = (consumers: readonly Consumer[], parts: WorkerParts): ConsumerRunner => {
  const { feed, log } = parts
  const names = consumers.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`There are two consumers named ${twice}.`)
  const holdings = createHoldings(consumers, parts)
  const stopListening = [feed.onAdvance(holdings.wakeAll), feed.onRestart(holdings.forgetAll)]
  let looking: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let isAway = false

  const look = (): Promise<void> => {
    looking ??= holdings.look().finally(() => {
      looking = undefined
    })
    return looking
  }

  const lookAndGoOn = async (): Promise<void> => {
    try {
      await look()
      isAway = false
    } catch (err) {
      if (!isAway && !isStopped) log.warn({ err }, 'no look at the consumers: the database cannot be asked')
      isAway = true
    }
    if (!isStopped) timer = setTimeout(lookAndGoOn, lookMs).unref()
  }

  return {
    oldest: holdings.oldest,
    look: async () => {
      if (consumers.length > 0 && !isStopped) await look()
    },
    start() {
      if (consumers.length > 0) timer = setTimeout(lookAndGoOn, 0).unref()
    },
    async stop(withinMs) {
      isStopped = true
      holdings.close()
      clearTimeout(timer)
      for (const stop of stopListening) stop()
      await looking?.catch(() => {})
      await holdings.end(withinMs)
    },
  }
}
