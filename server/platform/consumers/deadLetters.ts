import { and, asc, eq, isNotNull, sql } from 'drizzle-orm'
import type { Db } from '../../../db/client.ts'
import { eventConsumers, eventDeadLetters } from '../../../db/schema/events.ts'
import { statement } from '../../../db/statement.ts'
import { readAt } from '../events/log.ts'
import type { LoggedEvent } from '../events/loggedEvent.ts'

const { placeholder } = sql
const { consumer, position, attempts, redrive_at } = eventDeadLetters

/** Those asked for at once; the others come with the next look. */
const redriveLimit = 200

export const insertDeadLetter = statement('consumers.insertDeadLetter', (db) =>
  db
    .insert(eventDeadLetters)
    .values({
      consumer: placeholder('name'),
      position: placeholder('position'),
      attempts: placeholder('attempts'),
      failure: placeholder('failure'),
      failed_at: sql`clock_timestamp()`,
    })
    .onConflictDoUpdate({
      target: [consumer, position],
      set: {
        attempts: sql`excluded.attempts`,
        failure: sql`excluded.failure`,
        failed_at: sql`excluded.failed_at`,
        redrive_at: null,
      },
    }),
)

/** What operators want tried again, of these consumers. */
const listRedrives = statement('consumers.listRedrives', (db) =>
  db
    .select({ consumer, position, attempts })
    .from(eventDeadLetters)
    .where(and(sql`${consumer} = any(${placeholder('names')}::text[])`, isNotNull(redrive_at)))
    .orderBy(asc(position))
    .limit(redriveLimit),
)

/** Whether a dead letter is still to be tried again: what was read of it may be older than the last try. */
export const findRedrive = statement('consumers.findRedrive', (db) =>
  db
    .select({ position })
    .from(eventDeadLetters)
    .where(and(eq(consumer, placeholder('name')), eq(position, placeholder('position')), isNotNull(redrive_at))),
)

/** The partition is held under this lease, and stays so until the transaction ends. */
const isHeld = sql`exists (
  select from ${eventConsumers} where ${eventConsumers.name} = ${placeholder('name')}
    and ${eventConsumers.partition} = ${placeholder('partition')} and ${eventConsumers.lease} = ${placeholder('lease')}
  for share)`
const isThisOne = and(eq(consumer, placeholder('name')), eq(position, placeholder('position')))

/** A redriven event is handled. No row: it was before, or another instance has taken over. */
export const deleteDeadLetter = statement('consumers.deleteDeadLetter', (db) =>
  db.delete(eventDeadLetters).where(and(isThisOne, isHeld)).returning({ position }),
)

/** A redriven event has failed again, and waits for the operator again. */
export const keepDeadLetter = statement('consumers.keepDeadLetter', (db) =>
  db
    .update(eventDeadLetters)
    .set({
      attempts: sql`${attempts} + 1`,
      failure: sql`${placeholder('failure')}::text`,
      failed_at: sql`clock_timestamp()`,
      redrive_at: null,
    })
    .where(and(isThisOne, isHeld))
    .returning({ position }),
)

/** A dead letter that is to be tried again. */
export interface Redrive {
  readonly consumer: string
  readonly event: LoggedEvent
  /** Tries that have failed. */
  readonly attempts: number
}

/** The dead letters to try again, with their events: rows as role app, events as role gate. */
export const readRedrives = async (
  db: Db,
  gateDb: Db,
  { epoch, names }: { readonly epoch: string; readonly names: readonly string[] },
): Promise<Redrive[]> => {
  const rows = await listRedrives(db, { names })
  if (rows.length === 0) return []
  const read = await readAt(
    gateDb,
    epoch,
    rows.map((row) => row.position),
  )
  const found = new Map(read.map((event) => [event.position, event]))
  return rows.flatMap((row) => {
    const event = found.get(row.position)
    return event ? [{ consumer: row.consumer, event, attempts: row.attempts }] : []
  })
}
