import { z } from 'zod'
import { mutation, subscription } from './core.ts'
import { Id, Instant } from './scalars.ts'
import { type Topic, type Topics, topicNames, topics } from './vocabulary.ts'

/** What happened, as the streams tell it. `payload` is of the topic. */
export interface EventOf<T extends Topic> {
  /** Opaque; names the place in the log to go on from. */
  readonly id: string
  readonly topic: T
  /** The id of what it happened to. */
  readonly target: string
  /** Null for what belongs to no tenant. */
  readonly tenant_id: string | null
  /** Who did it; null for the anonymous and for the server itself. */
  readonly actor_id: string | null
  /** X-Request-ID of the call that did it. */
  readonly request_id: string | null
  /** ISO 8601 in UTC. */
  readonly occurred_at: string
  readonly payload: z.output<Topics[T]>
}

/** Events behind `from`, up to `to`, may be missing: read again what they would have changed. */
export interface Gap {
  readonly id: string
  readonly topic: 'gap'
  /** The id that was asked to go on from, as it came. */
  readonly from: string
  /** The stream goes on behind this one. */
  readonly to: string
}

/** An event of any topic, or a gap; `topic` tells which. */
export type StreamEvent = { [T in Topic]: EventOf<T> }[Topic] | Gap

const eventSchema = (topic: Topic) =>
  z.object({
    id: z.string(),
    topic: z.literal(topic),
    target: z.string(),
    tenant_id: Id.nullable(),
    actor_id: Id.nullable(),
    request_id: z.string().nullable(),
    occurred_at: z.string().meta({ format: 'date-time' }),
    payload: topics[topic],
  })

const gapSchema = z.object({ id: z.string(), topic: z.literal('gap'), from: z.string(), to: z.string() })

/** Written by hand as a type: inferring it from the table would cost each client a walk over every topic's schema. */
const StreamEvent = z
  .discriminatedUnion('topic', [gapSchema, ...topicNames.map(eventSchema)])
  .meta({ id: 'StreamEvent' }) as unknown as z.ZodType<StreamEvent, StreamEvent>

/** REST writes a list as `topics=a,b`; the procedure's callers send an array. */
const topicList = z.preprocess(
  (value) =>
    Array.isArray(value) ? value.flatMap((item) => (typeof item === 'string' ? item.split(',') : item)) : value,
  z.array(z.enum(topicNames)).max(topicNames.length),
) as unknown as z.ZodType<Topic[], readonly Topic[]>

export const events = {
  stream: subscription({
    summary:
      "What happens, as it happens: one's own events, and with `events.read` those of the tenant in X-Tenant-ID. Goes on behind the event that Last-Event-ID names, or tells of a gap.",
    http: ['GET', '/api/v1/stream'],
    access: 'user',
    rate: 'read',
    tenancy: 'bucket',
    input: z.object({
      /** All topics when absent or empty. */
      topics: topicList.optional(),
      last_event_id: z.string().max(200).optional(),
    }),
    output: StreamEvent,
    errors: ['stream.ticket_invalid'],
  }),

  ticket: mutation({
    summary: 'A ticket that opens one stream within 30 seconds, as `?ticket=`, where no header can be sent.',
    http: ['POST', '/api/v1/stream/ticket', 201],
    access: 'user',
    rate: 'write',
    tenancy: 'bucket',
    idempotency: 'key',
    secret: true,
    output: z.object({ ticket: z.string(), expires_at: Instant }),
  }),
}
