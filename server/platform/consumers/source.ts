import type { Logger } from 'pino'
import type { Database } from '../../../db/database.ts'
import type { Feed } from '../events/feed.ts'
import { readBounds, readTopics } from '../events/log.ts'
import type { LoggedEvent } from '../events/loggedEvent.ts'
import type { Holding } from './holding.ts'
import { partitionOf } from './partition.ts'

const pageLimit = 200

export interface Source {
  readonly feed: Feed
  /** Reads the events of all tenants, as role gate. */
  readonly gateDatabase: Database
  readonly log: Logger
}

/**
 * Reads on, once everything read before is done with: from the memory of the feed, or from the log when the partition is
 * further behind. Rejects when the database is away. Returns whether anything was read.
 */
export const readOn = async (holding: Holding, source: Source): Promise<boolean> => {
  const last = source.feed.bounds?.last ?? 0
  if (last <= holding.readTo) return false
  const remembered = source.feed.behind(holding.readTo)
  if (remembered) take(holding, remembered, last)
  else await readPage(holding, source, last)
  return true
}

/**
 * When the oldest event that the partition has not done with occurred, by what is in memory; undefined when there is none.
 * Of a stretch that is still to be read from the log it is told by the event before.
 */
export const oldestTime = (holding: Holding, { bounds, behind }: Pick<Feed, 'bounds' | 'behind'>): Date | undefined => {
  const [waiting] = holding.waiting
  if (waiting) return waiting.occurred_at
  if (!bounds || bounds.last <= holding.readTo) return undefined
  const remembered = behind(holding.readTo)
  return remembered ? remembered.find((event) => isOf(holding, event))?.occurred_at : holding.reachedTime
}

const isOf = ({ consumer, partition, partitions }: Holding, event: LoggedEvent): boolean => {
  const topics: readonly string[] = consumer.topics
  return topics.includes(event.topic) && partitionOf(consumer, partitions, event) === partition
}

const take = (holding: Holding, read: readonly LoggedEvent[], readTo: number) => {
  holding.waiting = read.filter((event) => isOf(holding, event))
  holding.readTo = readTo
}

const readPage = async (holding: Holding, { gateDatabase, log }: Source, upTo: number) => {
  const { epoch, first } = await readBounds(gateDatabase.db)
  const after = Math.max(holding.readTo, first - 1)
  if (after > holding.readTo) {
    const missed = { from: holding.readTo + 1, to: after }
    log.error(
      { ...holding.names, ...missed },
      'a consumer missed events: EVENT_RETENTION_DAYS were over before it came',
    )
  }
  const { topics } = holding.consumer
  const page = await readTopics(gateDatabase.db, epoch, { after, upTo, topics, limit: pageLimit })
  take(holding, page, page.length < pageLimit ? upTo : (page.at(-1)?.position ?? upTo))
}
