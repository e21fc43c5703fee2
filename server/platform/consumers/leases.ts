import { and, count, eq, type SQL, sql } from 'drizzle-orm'
import { eventConsumers, eventLog, eventWorkers } from '../../../db/schema/events.ts'
import { statement } from '../../../db/statement.ts'

const { placeholder } = sql
const { name, partition, position, lease, holder, leased_until, attempts, retry_at } = eventConsumers

/** How long a lease holds without being renewed, by the database's clock. */
export const leaseSeconds = 15
const leaseEnd = sql`clock_timestamp() + make_interval(secs => ${leaseSeconds})`

/** Whoever took over has another number. */
const isMine = and(
  eq(name, placeholder('name')),
  eq(partition, placeholder('partition')),
  eq(lease, placeholder('lease')),
)

/** What has been done with; never ahead of a log that lost its end, or the events that come there would be passed over. */
const reached = (done: SQL) =>
  sql`least(greatest(${position}, ${done}), (select ${eventLog.last_position} from ${eventLog}))`

/** One instance at a time may make the rows of a consumer. */
export const lockName = statement('consumers.lockName', (db) =>
  db.select({ locked: sql`pg_advisory_xact_lock(hashtext(${placeholder('name')}::text))` }).from(sql`(values (1)) one`),
)

export const countPartitions = statement('consumers.countPartitions', (db) =>
  db
    .select({ partitions: count() })
    .from(eventConsumers)
    .where(eq(name, placeholder('name'))),
)

export const insertPartitions = statement('consumers.insertPartitions', (db) =>
  db.insert(eventConsumers).select(
    db
      .select({
        name: sql`${placeholder('name')}::text`.as('name'),
        partition: sql`generate_series(0, ${placeholder('partitions')}::integer - 1)`.as('partition'),
        position: sql`case ${placeholder('from')}::text
          when 'start' then ${eventLog.first_position} - 1 else ${eventLog.last_position} end`.as('position'),
        lease: sql`0`.as('lease'),
        holder: sql`null::text`.as('holder'),
        leased_until: sql`null::timestamptz`.as('leased_until'),
        attempts: sql`0`.as('attempts'),
        retry_at: sql`null::timestamptz`.as('retry_at'),
      })
      .from(eventLog),
  ),
)

/** Says that this instance works for these consumers. */
export const join = statement('consumers.join', (db) =>
  db
    .insert(eventWorkers)
    .select(
      db
        .select({
          consumer: sql`consumer`.as('consumer'),
          holder: sql`${placeholder('holder')}::text`.as('holder'),
          seen_until: leaseEnd.as('seen_until'),
        })
        .from(sql`unnest(${placeholder('names')}::text[]) as consumer`),
    )
    .onConflictDoUpdate({
      target: [eventWorkers.consumer, eventWorkers.holder],
      set: { seen_until: sql`excluded.seen_until` },
    }),
)

export const leave = statement('consumers.leave', (db) =>
  db.delete(eventWorkers).where(eq(eventWorkers.holder, placeholder('holder'))),
)

/** Who works for these consumers at present. */
export const listWorkers = statement('consumers.listWorkers', (db) =>
  db
    .select({ consumer: eventWorkers.consumer, holder: eventWorkers.holder })
    .from(eventWorkers)
    .where(
      sql`${eventWorkers.consumer} = any(${placeholder('names')}::text[]) and ${eventWorkers.seen_until} > clock_timestamp()`,
    ),
)

/** Takes up to `limit` partitions that nobody holds. `was_held`: whoever had it did not give it back. */
export const takePartitions = statement('consumers.take', (db) => {
  const free = db.$with('free').as(
    db
      .select({
        free_name: sql<string>`${name}`.as('free_name'),
        free_partition: sql<number>`${partition}`.as('free_partition'),
        was_held: sql<boolean>`${holder} is not null`.as('was_held'),
      })
      .from(eventConsumers)
      .where(and(eq(name, placeholder('name')), sql`(${leased_until} is null or ${leased_until} <= clock_timestamp())`))
      .orderBy(partition)
      .limit(placeholder('limit'))
      .for('update', { skipLocked: true }),
  )
  return db
    .with(free)
    .update(eventConsumers)
    .set({ lease: sql`${lease} + 1`, holder: placeholder('holder') as never, leased_until: leaseEnd })
    .from(free)
    .where(and(eq(name, free.free_name), eq(partition, free.free_partition)))
    .returning({
      partition,
      position,
      lease,
      attempts,
      retry_seconds: sql<number | null>`extract(epoch from ${retry_at} - clock_timestamp())::float8`,
      was_held: free.was_held,
    })
})

/** Prolongs what this instance holds and writes down how far it has read; no row for what it holds no more. */
export const renewLeases = statement('consumers.renew', (db) =>
  db
    .update(eventConsumers)
    .set({ leased_until: leaseEnd, position: reached(sql`held.position`) })
    .from(
      sql`unnest(${placeholder('names')}::text[], ${placeholder('partitions')}::integer[], ${placeholder('leases')}::bigint[],
        ${placeholder('positions')}::bigint[]) as held(name, partition, lease, position)`,
    )
    .where(
      sql`${name} = held.name and ${partition} = held.partition and ${lease} = held.lease
        and ${holder} = ${placeholder('holder')}::text`,
    )
    .returning({ name, partition }),
)

/** Gives a partition back, so that another instance need not wait for the lease to end. */
export const releaseLease = statement('consumers.release', (db) =>
  db
    .update(eventConsumers)
    .set({ holder: null, leased_until: null, position: reached(sql`${placeholder('position')}::bigint`) })
    .where(isMine),
)

/** Everything up to `position` is handled. No row: another instance has taken over. */
export const confirm = statement('consumers.confirm', (db) =>
  db
    .update(eventConsumers)
    .set({
      position: reached(sql`${placeholder('position')}::bigint`),
      attempts: 0,
      retry_at: null,
    })
    .where(isMine)
    .returning({ position }),
)

/**
 * Counts `more` failed tries of the event at `position`, the next one in so many seconds. When the row is there already
 * (a COMMIT whose answer was lost), nothing is counted. No row: another instance has taken over.
 */
export const noteFailure = statement('consumers.noteFailure', (db) => {
  const isOpen = sql`${position} < ${placeholder('position')}::bigint`
  return db
    .update(eventConsumers)
    .set({
      position: reached(sql`${placeholder('position')}::bigint - 1`),
      attempts: sql`case when ${isOpen} then ${attempts} + ${placeholder('more')}::integer else 0 end`,
      retry_at: sql`case when ${isOpen} then clock_timestamp() + make_interval(secs => ${placeholder('seconds')}::float8) end`,
    })
    .where(isMine)
    .returning({ position, attempts })
})
