import type { Json } from '../../../db/schema/columns.ts'

/** A numbered row of the log. */
export interface EventRow {
  readonly position: number | null
  readonly tenant_id: string | null
  readonly actor_id: string | null
  readonly person_id: string | null
  readonly topic: string
  readonly target: string
  readonly payload: Json
  readonly request_id: string | null
  readonly traceparent: string | null
  readonly occurred_at: Date
}

/** An event as the instance holds it: once in memory, once as text, for all who follow. */
export interface LoggedEvent extends Omit<EventRow, 'position'> {
  readonly position: number
  /** `epoch.position`, the public name of the place in the log. */
  readonly id: string
  /** As it goes over the wire. */
  readonly json: string
}

export const loggedEvent = (epoch: string, row: EventRow): LoggedEvent => {
  const { topic, target, tenant_id, actor_id, request_id, occurred_at, payload } = row
  const position = row.position ?? 0
  const id = idOf(epoch, position)
  const json = JSON.stringify({ id, topic, target, tenant_id, actor_id, request_id, occurred_at, payload })
  return { ...row, position, id, json }
}

export const idOf = (epoch: string, position: number): string => `${epoch}.${position}`

/** The position that an id names in the log of this epoch; undefined for every other text. */
export const positionOf = (epoch: string, id: string): number | undefined => {
  const [, sentEpoch, digits] = /^([0-9a-f]{8})\.(0|[1-9]\d{0,15})$/.exec(id) ?? []
  const position = Number(digits)
  return sentEpoch === epoch && Number.isSafeInteger(position) ? position : undefined
}
