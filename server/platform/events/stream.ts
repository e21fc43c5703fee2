import { endingAccess } from '../../../contract/vocabulary.ts'
import type { LoggedEvent } from './loggedEvent.ts'

/** What a stream hands out: an event that its reader may see, or a gap in what it could have seen. */
export interface StreamItem {
  readonly id: string
  /** `gap` for a gap. */
  readonly topic: string
  /** The item as JSON, the same text for everybody who gets it. */
  readonly json: string
}

/** What a subscription's handler returns, and what the transports read from. */
export interface EventStream {
  /** Names the place behind the last item; a reader that begins again there misses nothing. */
  readonly id: string
  /** The next items, at least one. Undefined when the stream is over: access was lost, or the server wants it to end. */
  readonly read: () => Promise<readonly StreamItem[] | undefined>
  /** Ends it. Safe to call again. */
  readonly close: () => void
}

/** The reader may have missed what lies behind `from`, up to `to`. */
export const gapItem = (from: string, to: string): StreamItem => ({
  id: to,
  topic: 'gap',
  json: JSON.stringify({ id: to, topic: 'gap', from, to }),
})

/** Whether a viewer's access must be read again before anything behind this event is shown. */
export const mayEndAccess = ({ topic, person_id: person }: LoggedEvent, viewerId: string): boolean =>
  endingAccess[topic] === 'anybody' || (endingAccess[topic] === 'person' && person === viewerId)
