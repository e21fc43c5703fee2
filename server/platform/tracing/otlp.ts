import type { Attributes, HrTime, Link, SpanContext as OtelContext } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'
import { within } from '../within.ts'
import { createLosses, type Losses } from './losses.ts'
import type { Span, SpanKind, SpanReader } from './span.ts'
import type { SpanContext } from './traceContext.ts'

export interface OtlpOptions {
  /** `/v1/traces` is put behind it, as the specification of the exporter says. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly serviceName: string
  readonly version: string
  readonly environment: string
  readonly log: Logger
}

/** Spans that wait for the collector; what comes beyond is lost. */
const waitingMax = 2_048
const batchMax = 512
const delayMs = 1_000
/** A collector that takes longer has lost the batch. */
const answerMs = 5_000

export type Exporter = SpanReader & { readonly close: (withinMs: number) => Promise<void> }

/** The packages of OpenTelemetry are optional, and are loaded here alone. */
const load = async () => {
  try {
    const [{ BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
    return { BatchSpanProcessor, OTLPTraceExporter, resourceFromAttributes }
  } catch (cause) {
    throw new MissingTracingError(cause)
  }
}

/** A variable asks for what is not installed. The message says what to do. */
export class MissingTracingError extends Error {
  override readonly name = 'MissingTracingError'
  constructor(cause: unknown) {
    super(
      'OTEL_EXPORTER_OTLP_ENDPOINT is set, but the packages of OpenTelemetry are not installed: run `npm ci --include=optional`, or unset it.',
      { cause },
    )
  }
}

/**
 * Sends spans to a collector, as JSON over HTTP. A collector that is away or slow costs a bounded queue and a line of the
 * log now and then. Throws MissingTracingError.
 */
export const createOtlpExporter = async (options: OtlpOptions): Promise<Exporter> => {
  const { BatchSpanProcessor, OTLPTraceExporter, resourceFromAttributes } = await load()
  const { endpoint, headers, log } = options
  const losses = createLosses(log)
  const waiting = { count: 0 }
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: { ...headers },
    timeoutMillis: answerMs,
  })
  const processor = new BatchSpanProcessor({
    exporter: watched(exporter, waiting, losses),
    maxQueueSize: waitingMax,
    maxExportBatchSize: batchMax,
    scheduledDelayMillis: delayMs,
    exportTimeoutMillis: 2 * answerMs,
  })
  const resource = resourceFromAttributes({
    'service.name': options.serviceName,
    'service.version': options.version,
    'deployment.environment.name': options.environment,
    'process.pid': process.pid,
  })
  return {
    onEnd(span) {
      if (waiting.count >= waitingMax) return losses.lose(1, 'the queue is full')
      waiting.count++
      processor.onEnd(toReadable(span, resource, options.version))
    },
    async close(withinMs) {
      await within(
        withinMs,
        processor.shutdown().catch(() => {}),
      )
      losses.close()
    },
  }
}

/** A failure is told here, in bounds, and never to the library, which would print each. */
const watched = (exporter: SpanExporter, waiting: { count: number }, losses: Losses): SpanExporter => ({
  export(spans, done) {
    waiting.count -= spans.length
    exporter.export(spans, ({ code, error }) => {
      if (code === 0) losses.delivered()
      else losses.lose(spans.length, reasonOf(error))
      done({ code: 0 })
    })
  },
  shutdown: () => exporter.shutdown(),
})

/** An answer of the collector may repeat what it was sent, headers included; its code is enough. */
const reasonOf = (error: Error | undefined): string => {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } }
  const known = code ?? cause?.code
  if (typeof known === 'number') return `the collector answered ${known}`
  return typeof known === 'string' ? known : 'the collector did not take them in time'
}

/** SpanKind of the API, by its numbers, so that the API need not be loaded for them. */
const kinds: Readonly<Record<SpanKind, number>> = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 }
const failedCode = 2

const toReadable = (span: Span, resource: Resource, version: string): ReadableSpan => {
  const { startMs, endMs = startMs, parentSpanId } = span
  const context = toContext(span)
  return {
    name: span.name,
    kind: kinds[span.kind],
    spanContext: () => context,
    ...(parentSpanId === undefined
      ? {}
      : {
          parentSpanContext: toContext({
            ...context,
            isSampled: true,
            spanId: parentSpanId,
            isRemote: span.hasRemoteParent,
          }),
        }),
    startTime: toTime(startMs),
    endTime: toTime(endMs),
    duration: toTime(endMs - startMs),
    ended: true,
    status: { code: span.isFailed ? failedCode : 0 },
    attributes: span.attributes as Attributes,
    links: span.links.map((link): Link => ({ context: toContext(link) })),
    events: span.events.map(({ name, atMs }) => ({ name, time: toTime(atMs) })),
    resource,
    instrumentationScope: { name: 'tsforge', version },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

const toContext = ({
  traceId,
  spanId,
  isSampled,
  isRemote,
  traceState,
}: Omit<SpanContext, 'traceState'> & { traceState?: unknown }): OtelContext => ({
  traceId,
  spanId,
  traceFlags: isSampled ? 1 : 0,
  isRemote: isRemote ?? false,
  ...(typeof traceState === 'string' ? { traceState: asWritten(traceState) } : {}),
})

/** It is passed along as it came, so nothing in it can be asked for or changed. */
const asWritten = (text: string): NonNullable<OtelContext['traceState']> => {
  const state: NonNullable<OtelContext['traceState']> = {
    get: () => undefined,
    set: () => state,
    unset: () => state,
    serialize: () => text,
  }
  return state
}

const toTime = (ms: number): HrTime => {
  const seconds = Math.trunc(ms / 1_000)
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)]
}
