import { sql } from 'drizzle-orm'
import { eventWorkers, streamTickets } from '../../../db/schema/events.ts'
import { statement } from '../../../db/statement.ts'
import { batchSize, deleteInBatches } from '../../platform/duties/batches.ts'
import type { Duty } from '../../platform/duties/duty.ts'

const { placeholder } = sql

/** The database's clock says what is too old. */
const trimEvents = statement('events.trim', (db) =>
  db
    .select({
      trimmed: sql<number>`trim_events(now() - make_interval(days => ${placeholder('days')}::integer), ${placeholder('batch')}::integer)`,
    })
    .from(sql`(values (1)) one`),
)

/** Those that ended without taking leave. */
const deleteGoneWorkers = statement('events.deleteGoneWorkers', (db) =>
  db
    .delete(eventWorkers)
    .where(sql`${eventWorkers.seen_until} <= clock_timestamp()`)
    .returning({ holder: eventWorkers.holder }),
)

const deleteExpiredTickets = statement('events.deleteExpiredTickets', (db) =>
  db
    .delete(streamTickets)
    .where(
      sql`${streamTickets.hash} = any(array(
        select hash from stream_tickets where expires_at <= now() limit ${placeholder('limit')}
      ))`,
    )
    .returning({ user_id: streamTickets.user_id }),
)

/** Forgets events that have been in the log for long enough. Those of dead letters stay until these are settled. */
export const trimLog: Duty = {
  name: 'events.trim',
  schedule: '20 * * * *',
  async run({ database: { db }, signal, settings }) {
    let events = 0
    for (let trimmed = batchSize; trimmed >= batchSize && !signal.aborted; events += trimmed) {
      trimmed = (await trimEvents(db, { days: settings.eventRetentionDays, batch: batchSize }))[0]?.trimmed ?? 0
    }
    return { events, workers: (await deleteGoneWorkers(db)).length }
  },
}

/** Deletes tickets that opened no stream in time. */
export const forgetTickets: Duty = {
  name: 'events.forgetTickets',
  schedule: '*/10 * * * *',
  run: async ({ database: { db }, signal }) => ({
    tickets: await deleteInBatches(signal, () => deleteExpiredTickets(db, { limit: batchSize })),
  }),
}
