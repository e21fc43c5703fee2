import { desc, sql } from 'drizzle-orm'
import type { Db } from '../../../db/client.ts'
import { events } from '../../../db/schema/events.ts'

/** An event of whatever tenant, for somebody who runs the server. */
export interface RecentEvent {
  /** Null until it is numbered. */
  readonly position: number | null
  readonly topic: string
  readonly target: string
  readonly tenant_id: string | null
  readonly actor_id: string | null
  readonly request_id: string | null
  readonly occurred_at: Date
  /** JSON, cut after 500 characters. */
  readonly payload: string
}

const eventsMax = 50

/** The last 50 events in the order of recording, the newest first; as role gate. */
export const readRecentEvents = (gateDb: Db): Promise<RecentEvent[]> => {
  const { position, topic, target, tenant_id, actor_id, request_id, occurred_at } = events
  const payload = sql<string>`left(${events.payload}::text, 500)`
  return gateDb
    .select({ position, topic, target, tenant_id, actor_id, request_id, occurred_at, payload })
    .from(events)
    .orderBy(desc(events.sequence))
    .limit(eventsMax)
}
