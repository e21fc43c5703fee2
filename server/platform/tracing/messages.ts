import type { Span } from './span.ts'
import { parseTraceparent } from './traceContext.ts'
import type { Tracing } from './tracing.ts'

const system = { 'messaging.system': 'tsforge' }

/**
 * Records an event under a span of its own, whose `traceparent` is what the event carries. Without a span at hand the
 * event carries what its cause did.
 */
export const traceRecording = <T>(
  tracing: Tracing | undefined,
  { topic, traceparent }: { readonly topic: string; readonly traceparent: string | null },
  record: (traceparent: string | null) => Promise<T>,
): Promise<T> => {
  const current = tracing?.current()
  if (!tracing || !current) return record(traceparent)
  const attributes = {
    ...system,
    'messaging.operation.name': 'record',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
  }
  return tracing.span(`record ${topic}`, { kind: 'producer', attributes }, (span) =>
    record((span ?? current).traceparent),
  )
}

interface Handling {
  readonly event: { readonly topic: string; readonly id: string; readonly traceparent: string | null }
  /** Of the consumer. */
  readonly name: string
  readonly attempt: number
}

/**
 * Handles an event under a span below that of its recording, and linked to it: the conventions for messages ask for the
 * link, and allow the parent where one message is handled at a time, as here, so that a change and what it causes are one
 * trace. An event that carries no good context begins a trace.
 */
export const traceHandling = <T>(
  tracing: Tracing,
  { event, name, attempt }: Handling,
  handle: (span: Span) => Promise<T>,
): Promise<T> => {
  const cause = parseTraceparent(event.traceparent)
  const attributes = {
    ...system,
    'messaging.operation.name': 'handle',
    'messaging.operation.type': 'process',
    'messaging.destination.name': event.topic,
    'messaging.consumer.group.name': name,
    'messaging.message.id': event.id,
    'tsforge.attempt': attempt,
  }
  const settings = { kind: 'consumer', attributes, links: cause ? [cause] : [] } as const
  return tracing.root(`handle ${event.topic}`, cause, settings, handle)
}
