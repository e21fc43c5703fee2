import { AsyncLocalStorage } from 'node:async_hooks'
import type { QueryObserver } from '../../../db/observe.ts'
import { createQueryObserver } from './queries.ts'
import type { Recorder } from './recorder.ts'
import type { ServerTiming } from './serverTiming.ts'
import { newId, Span, type SpanReader, type SpanSettings } from './span.ts'
import type { SpanContext } from './traceContext.ts'

/** Where work stands: under one span, or under those of several callers who share it. */
export type Scope = Span | readonly Span[]

/** The spans of this process. Whoever finds undefined in its place traces nothing. */
export interface Tracing {
  /** Begins a root: sampled as the parent is, or by chance where there is none. */
  readonly open: (name: string, parent: SpanContext | undefined, settings?: SpanSettings) => Span
  /**
   * Runs work under a span: what is asked of the database in it, however deep, stands under that span. Under one that
   * nobody records it is only run.
   */
  readonly within: <T>(scope: Scope, work: () => T) => T
  /** Runs work that goes on after its caller, under no span. */
  readonly outside: <T>(work: () => T) => T
  /** The recorded span that work is done under; undefined outside of all, and once the root has ended. */
  readonly current: () => Span | undefined
  /** Runs work under a new span below the current one, and ends it with what comes of the work. */
  readonly span: <T>(name: string, settings: SpanSettings, work: (span: Span | undefined) => Promise<T>) => Promise<T>
  /** The same below no other. */
  readonly root: <T>(
    name: string,
    parent: SpanContext | undefined,
    settings: SpanSettings,
    work: (span: Span) => Promise<T>,
  ) => Promise<T>
  /** Sees what is asked of the database. */
  readonly queries: QueryObserver
  /** For reads that several callers share: each of them gets a span for it. */
  readonly sharing: { current(): Span | undefined; within<T>(scopes: readonly Span[], work: () => T): T }
  /** The last requests, with what they did; in development alone. */
  readonly recorder: Recorder | undefined
  /** In development alone. */
  readonly serverTiming: ServerTiming | undefined
  /** Sends what waits, within the time. */
  readonly close: (withinMs: number) => Promise<void>
}

export interface TracingOptions {
  /** How many traces are sampled of those that begin here, from 0 to 1. */
  readonly share: number
  /** Where sampled spans go. */
  readonly exporter?: (SpanReader & { readonly close: (withinMs: number) => Promise<void> }) | undefined
  readonly recorder?: Recorder | undefined
  readonly serverTiming?: ServerTiming | undefined
}

export const createTracing = ({ share, exporter, recorder, serverTiming }: TracingOptions): Tracing => {
  const scopes = new AsyncLocalStorage<Scope | undefined>()
  const looksAtAll = recorder !== undefined || serverTiming !== undefined
  const reader: SpanReader = {
    onEnd(span) {
      serverTiming?.onEnd(span)
      recorder?.onEnd(span)
      if (span.isSampled) exporter?.onEnd(span)
    },
  }

  const open: Tracing['open'] = (name, parent, settings = {}) => {
    const context = parent ?? newTrace(share)
    const isRecorded = looksAtAll || (context.isSampled && exporter !== undefined)
    return new Span(name, { context, parentSpanId: parent?.spanId, isRecorded }, settings, reader)
  }
  const below = (parent: Span, name: string, settings: SpanSettings): Span =>
    new Span(name, { parent, context: parent, parentSpanId: parent.spanId, isRecorded: true }, settings, reader)
  const current = () => {
    const scope = scopes.getStore()
    return scope instanceof Span && isOpen(scope) ? scope : undefined
  }
  const within: Tracing['within'] = (scope, work) => {
    if (isRecorded(scope)) return scopes.run(scope, work)
    return scopes.getStore() === undefined ? work() : scopes.run(undefined, work)
  }
  const finish = async <T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> => {
    try {
      return await within(span, () => work(span))
    } catch (error) {
      span.fail(error)
      throw error
    } finally {
      span.end()
    }
  }
  const span: Tracing['span'] = (name, settings, work) => {
    const parent = current()
    return parent ? finish(below(parent, name, settings), work) : work(undefined)
  }

  return {
    open,
    within,
    outside: (work) => scopes.run(undefined, work),
    current,
    span,
    root: (name, parent, settings, work) => finish(open(name, parent, settings), work),
    queries: createQueryObserver({
      parents: () => openIn(scopes.getStore()),
      below,
      span,
      keep(callback) {
        const scope = scopes.getStore()
        return (...given) =>
          scopes.getStore() === scope ? callback(...given) : scopes.run(scope, () => callback(...given))
      },
    }),
    sharing: { current, within },
    recorder,
    serverTiming,
    close: async (withinMs) => exporter?.close(withinMs),
  }
}

const isRecorded = (scope: Scope) => (scope instanceof Span ? scope.isRecorded : scope.length > 0)

/** Background work that a request set off keeps its scope for ever, but is none of its doing. */
const isOpen = ({ root }: Span) => root.endMs === undefined

const openIn = (scope: Scope | undefined): readonly Span[] => {
  if (scope === undefined) return []
  const spans = scope instanceof Span ? [scope] : scope
  return spans.filter(isOpen)
}

/** The share goes by the trace id, so that servers with the same share agree on each trace. */
const newTrace = (share: number): Omit<SpanContext, 'spanId'> => {
  const traceId = newId(16)
  return { traceId, isSampled: Number.parseInt(traceId.slice(-8), 16) < share * 2 ** 32 }
}
