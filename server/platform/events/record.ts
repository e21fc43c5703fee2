import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Topic, type Topics, topics } from '../../../contract/vocabulary.ts'
import type { Db } from '../../../db/client.ts'
import { events } from '../../../db/schema/events.ts'
import { statement } from '../../../db/statement.ts'
import { traceRecording } from '../tracing/messages.ts'
import type { Tracing } from '../tracing/tracing.ts'

const { placeholder } = sql

/** What a handler tells of its change. */
export interface Happening<T extends Topic> {
  readonly topic: T
  /** The id of what it happened to. */
  readonly target: string
  readonly payload: z.input<Topics[T]>
  /** Whose matter it is, who may see it without any permission; the caller when left out. */
  readonly person?: string | null
}

/**
 * Records an event in the transaction of the change it tells of: both are committed, or neither. A wrong payload does
 * not compile; fields that the topic does not name are dropped. Resolves once the statement is sent: the COMMIT follows it
 * on the same connection, and comes to nothing when it fails.
 */
export type Record = <T extends Topic>(tx: Db, happening: Happening<T>) => Promise<void>

/** Where an event comes from. */
export interface Origin {
  /** The tenant whose event it is; `global` for none. */
  readonly bucket: string
  readonly actorId: string | null
  readonly requestId: string | null
  /** Of the cause; the event carries that of its own span where one is made. */
  readonly traceparent: string | null
  readonly tracing?: Tracing | undefined
}

const insertEvent = statement('events.insert', (db) =>
  db.insert(events).values({
    tenant_id: sql`nullif(${placeholder('bucket')}::text, 'global')::uuid`,
    actor_id: placeholder('actorId'),
    person_id: placeholder('personId'),
    topic: placeholder('topic'),
    target: placeholder('target'),
    payload: placeholder('payload'),
    request_id: placeholder('requestId'),
    traceparent: placeholder('traceparent'),
  }),
)

const schemas = new Map(Object.entries(topics).map(([topic, schema]) => [topic, z.compile(schema as z.ZodObject)]))

/**
 * Writes one event. Throws at once for a payload that the topic's schema refuses: a mistake of ours, which the call must
 * not survive.
 */
export const recordEvent = <T extends Topic>(
  tx: Db,
  { tracing, ...origin }: Origin,
  happening: Happening<T>,
): Promise<unknown> => {
  const { topic, target, payload: told, person = origin.actorId } = happening
  const payload = schemas.get(topic)?.parse(told)
  return traceRecording(tracing, { topic, traceparent: origin.traceparent }, (traceparent) =>
    insertEvent(tx, { ...origin, traceparent, personId: person, topic, target, payload }),
  )
}
