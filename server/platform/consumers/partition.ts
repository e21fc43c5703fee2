import { createHash } from 'node:crypto'
import type { Topic } from '../../../contract/vocabulary.ts'
import type { LoggedEvent } from '../events/loggedEvent.ts'
import type { Consumer, EventOn } from './consumer.ts'

/** The log holds what record() has checked against the topic's schema. */
export const asEvent = (event: LoggedEvent): EventOn<Topic> => event as unknown as EventOn<Topic>

/**
 * The partition whose turn an event is, the same on every instance and for all time. A key that cannot be told leads to
 * the first one, where the try to handle it fails for the same reason.
 */
export const partitionOf = ({ key }: Pick<Consumer, 'key'>, partitions: number, event: LoggedEvent): number => {
  try {
    return (
      createHash('sha256')
        .update(key(asEvent(event)))
        .digest()
        .readUInt32BE(0) % partitions
    )
  } catch {
    return 0
  }
}
