import type { Logger } from 'pino'
import type { Database } from '../../../db/database.ts'
import type { LoggedEvent } from '../events/loggedEvent.ts'
import { type Origin, recordEvent } from '../events/record.ts'
import type { Span } from '../tracing/span.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { Effects } from './consumer.ts'

interface Parts {
  readonly database: Database
  readonly log: Logger
  /** Told when events were recorded and committed. */
  readonly onRecorded: () => void
  readonly tracing?: Tracing | undefined
}

/** What the handler of an event may use, in the tenant of the event and in its trace: below `span`, where there is one. */
export const effectsOf = (event: LoggedEvent, { database, log, onRecorded, tracing }: Parts, span?: Span): Effects => {
  const tenant = event.tenant_id ?? 'global'
  const origin: Origin = {
    bucket: tenant,
    actorId: null,
    requestId: event.request_id,
    traceparent: span?.traceparent ?? event.traceparent,
    tracing,
  }
  let hasRecorded = false
  return {
    db: database.db,
    readAs: database.readAs,
    async transaction(work, scope) {
      const result = await database.transaction(work, { tenant, ...scope })
      if (hasRecorded) onRecorded()
      return result
    },
    record(tx, happening) {
      hasRecorded = true
      return recordEvent(tx, origin, happening).then(() => {})
    },
    log: log.child({ position: event.position, topic: event.topic, ...namesOf(event) }),
  }
}

/** As the log lines of the request name themselves. */
const namesOf = ({ request_id, traceparent }: LoggedEvent) => ({
  ...(request_id !== null && { request_id }),
  ...(traceparent !== null && { trace_id: traceparent.split('-')[1] }),
})
