import { and, asc, count, eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../../db/client.ts'
import { eventConsumers, eventDeadLetters, eventLog, events } from '../../../db/schema/events.ts'

interface PartitionState {
  readonly partition: number
  readonly position: number
  /** Numbered events behind the position, of whatever topic. */
  readonly lag: number
  /** Failed tries of the next event. */
  readonly attempts: number
  readonly retry_at: Date | null
  /** Null when nobody works on it, or whoever did is gone. */
  readonly holder: string | null
}

export interface Listing {
  readonly log: { readonly first_position: number; readonly last_position: number }
  readonly consumers: readonly {
    readonly name: string
    readonly dead_letters: number
    readonly partitions: readonly PartitionState[]
  }[]
}

/** The bounds of the log, and every consumer that has ever worked on this database. */
export const listConsumers = async (db: Db): Promise<Listing> => {
  const [log] = await db
    .select({ first_position: eventLog.first_position, last_position: eventLog.last_position })
    .from(eventLog)
  const { name, partition, position, attempts, retry_at, holder, leased_until } = eventConsumers
  const rows = await db
    .select({
      name,
      partition,
      position,
      attempts,
      retry_at,
      holder: sql<string | null>`case when ${leased_until} > clock_timestamp() then ${holder} end`,
    })
    .from(eventConsumers)
    .orderBy(asc(name), asc(partition))
  const dead = await db
    .select({ consumer: eventDeadLetters.consumer, letters: count() })
    .from(eventDeadLetters)
    .groupBy(eventDeadLetters.consumer)
  const last = log?.last_position ?? 0
  const lettersOf = new Map(dead.map(({ consumer, letters }) => [consumer, letters]))
  const names = [...new Set([...rows.map((row) => row.name), ...lettersOf.keys()])].sort()
  return {
    log: log ?? { first_position: 1, last_position: 0 },
    consumers: names.map((consumer) => ({
      name: consumer,
      dead_letters: lettersOf.get(consumer) ?? 0,
      partitions: rows
        .filter((row) => row.name === consumer)
        .map(({ name: _, ...row }) => ({ ...row, lag: Math.max(0, last - row.position) })),
    })),
  }
}

export interface DeadLetter {
  readonly position: number
  readonly attempts: number
  readonly failure: string
  readonly failed_at: Date
  /** Set while it waits to be tried again. */
  readonly redrive_at: Date | null
  /** These are null when the event is no longer in the log. */
  readonly topic: string | null
  readonly target: string | null
  readonly tenant_id: string | null
  readonly request_id: string | null
  readonly occurred_at: Date | null
}

export interface AskedLetters {
  readonly consumer: string
  /** Undefined for all. */
  readonly position: number | undefined
}

const lettersMax = 1_000

/**
 * The oldest dead letters of a consumer, up to a thousand, with what they are about but not what their events tell: rows
 * as role app, events as role gate.
 */
export const listDeadLetters = async (db: Db, gateDb: Db, asked: AskedLetters): Promise<DeadLetter[]> => {
  const { position, attempts, failure, failed_at, redrive_at } = eventDeadLetters
  const letters = await db
    .select({ position, attempts, failure, failed_at, redrive_at })
    .from(eventDeadLetters)
    .where(isAsked(asked))
    .orderBy(asc(position))
    .limit(lettersMax)
  const { topic, target, tenant_id, request_id, occurred_at } = events
  const found = await gateDb
    .select({ position: events.position, topic, target, tenant_id, request_id, occurred_at })
    .from(events)
    .where(inArray(events.position, [0, ...letters.map((letter) => letter.position)]))
  const byPosition = new Map(found.map((event) => [event.position, event]))
  const gone = { topic: null, target: null, tenant_id: null, request_id: null, occurred_at: null }
  return letters.map((letter) => ({ ...gone, ...byPosition.get(letter.position), ...letter }))
}

/** Marks dead letters to be tried again by whoever holds their partition; returns how many. */
export const requestRedrive = async (db: Db, asked: AskedLetters): Promise<number> => {
  const marked = await db
    .update(eventDeadLetters)
    .set({ redrive_at: sql`clock_timestamp()` })
    .where(isAsked(asked))
    .returning({ position: eventDeadLetters.position })
  return marked.length
}

const isAsked = ({ consumer, position }: AskedLetters) =>
  and(
    eq(eventDeadLetters.consumer, consumer),
    position === undefined ? undefined : eq(eventDeadLetters.position, position),
  )
