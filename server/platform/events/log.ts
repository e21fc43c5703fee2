import { and, asc, gt, lte, sql } from 'drizzle-orm'
import type { Db } from '../../../db/client.ts'
import { eventLog, events } from '../../../db/schema/events.ts'
import { statement } from '../../../db/statement.ts'
import { type LoggedEvent, loggedEvent } from './loggedEvent.ts'
import type { StreamItem } from './stream.ts'

const { placeholder } = sql

/** Rows that are numbered in one transaction. */
export const numberingBatch = 1_000

/** What of the log is there to be read. */
export interface Bounds {
  readonly epoch: string
  readonly first: number
  readonly last: number
}

const columns = {
  position: events.position,
  tenant_id: events.tenant_id,
  actor_id: events.actor_id,
  person_id: events.person_id,
  topic: events.topic,
  target: events.target,
  payload: events.payload,
  request_id: events.request_id,
  traceparent: events.traceparent,
  occurred_at: events.occurred_at,
}

/** Numbers what has committed; returns the last position there is. */
const number = statement('events.number', (db) =>
  db.select({ last: sql<string>`number_events(${placeholder('batch')}::integer)` }).from(sql`(values (1)) one`),
)

const findBounds = statement('events.bounds', (db) =>
  db.select({ epoch: eventLog.epoch, first: eventLog.first_position, last: eventLog.last_position }).from(eventLog),
)

const listBehind = statement('events.listBehind', (db) =>
  db
    .select(columns)
    .from(events)
    .where(gt(events.position, placeholder('after')))
    .orderBy(asc(events.position))
    .limit(placeholder('limit')),
)

const listOfTopics = statement('events.listOfTopics', (db) =>
  db
    .select(columns)
    .from(events)
    .where(
      and(
        gt(events.position, placeholder('after')),
        lte(events.position, placeholder('upTo')),
        sql`${events.topic} = any(${placeholder('topics')}::text[])`,
      ),
    )
    .orderBy(asc(events.position))
    .limit(placeholder('limit')),
)

const listAt = statement('events.listAt', (db) =>
  db
    .select(columns)
    .from(events)
    .where(sql`${events.position} = any(${placeholder('positions')}::bigint[])`),
)

/** Gives positions to up to a batch of committed events, as role app. */
export const numberEvents = async (db: Db): Promise<number> => {
  const [row] = await number(db, { batch: numberingBatch })
  return Number(row?.last ?? 0)
}

export const readBounds = async (db: Db): Promise<Bounds> => {
  const [bounds] = await findBounds(db)
  if (!bounds) throw new Error('event_log has no row; the migration 0007_events puts it there')
  return bounds
}

/** The events of everybody behind a position, in order, as role gate. */
export const readBehind = async (
  db: Db,
  { epoch, after, limit }: { epoch: string; after: number; limit: number },
): Promise<LoggedEvent[]> => (await listBehind(db, { after, limit })).map((row) => loggedEvent(epoch, row))

interface Stretch {
  readonly after: number
  readonly upTo: number
  readonly limit: number
  readonly topics: readonly string[]
}

/** One stretch of the log, of some topics and of everybody, in order, as role gate. */
export const readTopics = async (db: Db, epoch: string, stretch: Stretch): Promise<LoggedEvent[]> =>
  (await listOfTopics(db, { ...stretch })).map((row) => loggedEvent(epoch, row))

/** The events at these positions that the log still has, as role gate. */
export const readAt = async (db: Db, epoch: string, positions: readonly number[]): Promise<LoggedEvent[]> =>
  (await listAt(db, { positions })).map((row) => loggedEvent(epoch, row))

/** What a viewer may see, as a condition of the read. */
export interface Sight {
  readonly personId: string
  /** Null for the events without a tenant. */
  readonly tenantId: string | null
  /** Everything of the bucket, not just one's own. */
  readonly seesBucket: boolean
  /** Empty for all. */
  readonly topics: ReadonlySet<string>
}

/** An item of the log that one viewer alone holds: the text and its place, and nothing else that would take memory. */
export interface SeenItem extends StreamItem {
  readonly position: number
}

/** The conditions read no index but that of the position: a stretch is walked anyway. */
const listSeen = statement('events.listSeen', (db) => {
  const tenant = sql`${placeholder('tenantId')}::uuid`
  const isOwn = sql`(${events.person_id} = ${placeholder('personId')} or ${events.actor_id} = ${placeholder('personId')})
    and (${events.tenant_id} is null or ${events.tenant_id} = ${tenant})`
  const isOfBucket = sql`${placeholder('seesBucket')}::boolean and ${events.tenant_id} is not distinct from ${tenant}`
  const topicNames = sql`${placeholder('topics')}::text[]`
  return db
    .select(columns)
    .from(events)
    .where(
      and(
        gt(events.position, placeholder('after')),
        lte(events.position, placeholder('upTo')),
        sql`(${isOwn} or ${isOfBucket})`,
        sql`(cardinality(${topicNames}) = 0 or ${events.topic} = any(${topicNames}))`,
      ),
    )
    .orderBy(asc(events.position))
    .limit(placeholder('limit'))
})

/** One stretch of the log, as one viewer may see it. */
export const readSeen = async (
  db: Db,
  { topics, ...sight }: Sight,
  { bounds: { epoch, last: upTo }, after, limit }: { bounds: Bounds; after: number; limit: number },
): Promise<SeenItem[]> => {
  const rows = await listSeen(db, { ...sight, topics: [...topics], after, upTo, limit })
  return rows.map((row) => {
    const { id, topic, json, position } = loggedEvent(epoch, row)
    return { id, topic, json, position }
  })
}
