import { sql } from 'drizzle-orm'
import { bigint, boolean, check, index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { bytea, type Json, moment } from './columns.ts'
import { users } from './users.ts'

/**
 * What happened, in the order of `position`: outbox of the handlers, source of the consumers and memory of the streams.
 * A row commits with what it tells of; number_events() gives it its position afterwards, so that none appears behind
 * one that was read already. No foreign keys: the log outlives what it tells of.
 */
export const events = pgTable(
  'events',
  {
    /** In the order of recording. Rows that commit late keep an early one, so it is no order to read by. */
    sequence: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** Without gaps, from 1. Null until the row is numbered. */
    position: bigint({ mode: 'number' }).unique(),
    tenant_id: uuid(),
    /** Who did it; null for the anonymous and for the server itself. */
    actor_id: uuid(),
    /** Whose matter it is: this person sees it without any permission. */
    person_id: uuid(),
    topic: text().notNull(),
    /** The id of what it happened to. */
    target: text().notNull(),
    payload: jsonb().$type<Json>().notNull(),
    request_id: text(),
    traceparent: text(),
    occurred_at: moment().notNull().defaultNow(),
  },
  (table) => [index('events_unnumbered').on(table.sequence).where(sql`position is null`)],
)

/** One row: the bounds of the log. */
export const eventLog = pgTable(
  'event_log',
  {
    id: boolean().primaryKey().default(true),
    /** Stands before every public position, so that ids of another log are recognised. */
    epoch: text().notNull(),
    /** The oldest position that is still kept; one more than the last when there is none. */
    first_position: bigint({ mode: 'number' }).notNull().default(1),
    last_position: bigint({ mode: 'number' }).notNull().default(0),
  },
  () => [check('event_log_one_row', sql`id`)],
)

/** How far a consumer has come in one partition of its keys, and who works on it. */
export const eventConsumers = pgTable(
  'event_consumers',
  {
    name: text().notNull(),
    partition: integer().notNull(),
    /** Everything up to here is handled, or given up as a dead letter. */
    position: bigint({ mode: 'number' }).notNull().default(0),
    /** Counts the takeovers: what is confirmed with an older number is refused. */
    lease: bigint({ mode: 'number' }).notNull().default(0),
    holder: text(),
    leased_until: moment(),
    /** Failed tries of the event behind `position`. */
    attempts: integer().notNull().default(0),
    retry_at: moment(),
  },
  (table) => [primaryKey({ columns: [table.name, table.partition] })],
)

/** The instances that work for a consumer, so that each takes its share of the partitions and no more. */
export const eventWorkers = pgTable(
  'event_workers',
  {
    consumer: text().notNull(),
    holder: text().notNull(),
    /** Said again while it works; who is silent for longer is gone. */
    seen_until: moment().notNull(),
  },
  (table) => [primaryKey({ columns: [table.consumer, table.holder] })],
)

/** Events that a consumer failed on for good. The event itself stays in the log until this row goes. */
export const eventDeadLetters = pgTable(
  'event_dead_letters',
  {
    consumer: text().notNull(),
    position: bigint({ mode: 'number' }).notNull(),
    attempts: integer().notNull(),
    /** The kind of the last error, without what it may quote. */
    failure: text().notNull(),
    failed_at: moment().notNull().defaultNow(),
    /** Set by the operator who wants it tried again. */
    redrive_at: moment(),
  },
  (table) => [
    primaryKey({ columns: [table.consumer, table.position] }),
    index('event_dead_letters_to_redrive').on(table.consumer).where(sql`redrive_at is not null`),
  ],
)

/** Opens one stream, once: for browsers, whose EventSource cannot send a header. */
export const streamTickets = pgTable(
  'stream_tickets',
  {
    /** SHA-256 of the ticket. */
    hash: bytea().primaryKey(),
    user_id: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** The session or API key that asked for it. */
    credential_id: uuid().notNull(),
    kind: text().$type<'session' | 'key'>().notNull(),
    /** What the stream is opened in: the id of a tenant, or `global`. Whether its holder may is asked when it is used. */
    bucket: text().notNull(),
    expires_at: moment().notNull(),
  },
  (table) => [index('stream_tickets_by_expiry').on(table.expires_at)],
)
