import type { Recorded, RecordedSpan } from '../../platform/tracing/recorder.ts'

/** A request in the list of the page. Times are milliseconds. */
interface ShownRequest {
  readonly key: string
  readonly id: string
  readonly kind: Recorded['kind']
  readonly name: string
  readonly target: string
  readonly status: number | null
  readonly isFailed: boolean
  readonly startedAt: Date
  readonly durationMs: number
  readonly queries: number
  readonly queryMs: number
  readonly events: number
}

type Part = 'gates' | 'transaction' | 'query' | 'event' | 'call'

interface ShownSpan {
  readonly id: string
  readonly parent: string | null
  readonly name: string
  readonly part: Part
  readonly startMs: number
  readonly durationMs: number
  readonly sql: string | null
  readonly rows: number | null
  readonly error: string | null
}

/** A request with everything it did. */
export interface ShownDetail extends ShownRequest {
  readonly traceId: string
  readonly curl: string | null
  readonly spans: readonly ShownSpan[]
  readonly lines: readonly { readonly atMs: number; readonly json: string }[]
  /** Spans, lines and texts left out, here or by the recorder. */
  readonly dropped: number
}

const targetMax = 160
/** Characters of SQL and log lines in one answer. */
const textMax = 200_000

export interface Shown {
  /** The newest first. */
  readonly list: () => ShownRequest[]
  /** Undefined for a key that is unknown, or no longer kept. */
  readonly one: (key: string) => ShownDetail | undefined
}

/** What the page shows of the recorder. Ids of requests are the clients' and may come twice, so each gets a key. */
export const createShown = (recent: () => readonly Recorded[], now = Date.now()): Shown => {
  const keys = new WeakMap<Recorded, string>()
  let count = 0
  const keyOf = (recorded: Recorded): string => {
    const key = keys.get(recorded) ?? `${now.toString(36)}-${++count}`
    keys.set(recorded, key)
    return key
  }
  return {
    list: () => recent().map((recorded) => inList(keyOf(recorded), recorded)),
    one(key) {
      const recorded = recent().find((one) => keyOf(one) === key)
      return recorded && inDetail(key, recorded)
    },
  }
}

const inList = (key: string, recorded: Recorded): ShownRequest => {
  const { id, kind, name, request, status = null, isFailed, startedAt, durationMs, spans } = recorded
  const queries = spans.filter((span) => partOf(span) === 'query')
  return {
    key,
    id,
    kind,
    name,
    target: request?.target.slice(0, targetMax) ?? '',
    status,
    isFailed,
    startedAt,
    durationMs,
    queries: queries.length,
    queryMs: queries.reduce((sum, query) => sum + query.durationMs, 0),
    events: spans.filter((span) => partOf(span) === 'event').length,
  }
}

const inDetail = (key: string, recorded: Recorded): ShownDetail => {
  let left = textMax
  let cut = 0
  const fitting = (text: string): string => {
    left -= text.length
    if (left >= 0) return text
    cut++
    return ''
  }
  const lines = recorded.logs.map(({ atMs, json }) => ({ atMs, json: fitting(json) }))
  const spans = recorded.spans.map((span) => shownSpan(span, fitting))
  const { traceId, request } = recorded
  return {
    ...inList(key, recorded),
    traceId,
    curl: request?.curl ?? null,
    spans,
    lines: lines.filter(({ json }) => json !== ''),
    dropped: recorded.dropped + cut,
  }
}

const shownSpan = (span: RecordedSpan, fitting: (text: string) => string): ShownSpan => ({
  id: span.spanId,
  parent: span.parentSpanId ?? null,
  name: span.name,
  part: partOf(span),
  startMs: span.startMs,
  durationMs: span.durationMs,
  sql: span.sql === undefined ? null : fitting(span.sql),
  rows: span.rows ?? null,
  error: span.error ?? null,
})

const partOf = ({ name, kind }: RecordedSpan): Part => {
  if (kind === 'client') return 'query'
  if (kind === 'producer') return 'event'
  return name === 'gates' || name === 'transaction' ? name : 'call'
}
