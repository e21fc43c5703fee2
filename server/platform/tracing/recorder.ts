import { curlOf, type ReceivedRequest, withoutSecrets } from './receivedRequest.ts'
import type { Attributes, Span, SpanReader } from './span.ts'

/** A request, a call on a socket, an event being handled or a run of a duty, with what it did. Times are milliseconds. */
export interface Recorded {
  /** Of the request; of the root span where there was none. */
  readonly id: string
  readonly traceId: string
  /** `server`: a request or a call on a socket; `consumer`: an event; `internal`: a duty. */
  readonly kind: Span['kind']
  /** `POST /api/v1/menus` */
  readonly name: string
  /** As it was sent, without secrets; undefined where no HTTP request came. */
  readonly request: { readonly method: string; readonly target: string; readonly curl: string } | undefined
  /** undefined where none was sent. */
  readonly status: number | undefined
  readonly isFailed: boolean
  readonly attributes: Attributes
  readonly startedAt: Date
  readonly durationMs: number
  /** In the order in which they began. */
  readonly spans: readonly RecordedSpan[]
  readonly logs: readonly RecordedLine[]
  /** Spans and lines beyond the bounds. */
  readonly dropped: number
}

export interface RecordedSpan {
  readonly spanId: string
  /** The root for those directly below it. */
  readonly parentSpanId: string | undefined
  /** `gates`, `transaction`, `INSERT menus`, `record menu.created`, or an entry such as `menus.create`. */
  readonly name: string
  readonly kind: Span['kind']
  /** Since the root began. */
  readonly startMs: number
  readonly durationMs: number
  /** The SQL of a query without its values. */
  readonly sql: string | undefined
  readonly rows: number | undefined
  readonly error: string | undefined
  readonly attributes: Attributes
}

export interface RecordedLine {
  /** Since the root began. */
  readonly atMs: number
  /** JSON, as it was written: its secrets are redacted already. */
  readonly json: string
}

/** Keeps the last requests in memory, for a page that shows them. */
export interface Recorder extends SpanReader {
  /** Tells what the root span answers. */
  readonly receive: (root: Span, request: ReceivedRequest) => void
  /** A line of the log that was written under the span. */
  readonly log: (span: Span, atMs: number, json: string) => void
  /** The newest first. */
  readonly recent: () => readonly Recorded[]
  readonly clear: () => void
}

interface RecorderBounds {
  readonly requests: number
  readonly spans: number
  readonly lines: number
  /** Characters of all texts together, about. */
  readonly characters: number
}

const defaults: RecorderBounds = { requests: 200, spans: 200, lines: 100, characters: 8 * 1024 * 1024 }
const textMax = 2_000

interface Draft {
  request: ReceivedRequest | undefined
  readonly spans: Span[]
  readonly lines: RecordedLine[]
  dropped: number
}

/** Bounded in requests, in spans and lines of each, and in characters of all of them. */
export const createRecorder = (asked: Partial<RecorderBounds> = {}): Recorder => {
  const bounds = { ...defaults, ...asked }
  const drafts = new WeakMap<Span, Draft>()
  let kept: { readonly recorded: Recorded; readonly size: number }[] = []
  let total = 0

  const draftOf = (root: Span): Draft => {
    const draft = drafts.get(root) ?? { request: undefined, spans: [], lines: [], dropped: 0 }
    drafts.set(root, draft)
    return draft
  }
  const keep = (recorded: Recorded) => {
    const size = sizeOf(recorded)
    kept.push({ recorded, size })
    total += size
    while (kept.length > bounds.requests || total > bounds.characters) total -= kept.shift()?.size ?? 0
  }

  return {
    receive(root, request) {
      draftOf(root).request = request
    },
    log({ root }, atMs, json) {
      if (root.endMs !== undefined) return
      const draft = draftOf(root)
      if (draft.lines.length >= bounds.lines) draft.dropped++
      else draft.lines.push({ atMs: atMs - root.startMs, json: json.slice(0, textMax) })
    },
    onEnd(span) {
      const { root } = span
      if (span === root) {
        keep(finished(root, draftOf(root)))
        drafts.delete(root)
      } else if (root.endMs === undefined) {
        const draft = draftOf(root)
        if (draft.spans.length >= bounds.spans) draft.dropped++
        else draft.spans.push(span)
      }
    },
    recent: () => kept.map(({ recorded }) => recorded).reverse(),
    clear() {
      kept = []
      total = 0
    },
  }
}

const finished = (root: Span, { request, spans, lines, dropped }: Draft): Recorded => {
  const status = root.attributes['http.response.status_code']
  return {
    id: request?.id ?? root.spanId,
    traceId: root.traceId,
    kind: root.kind,
    name: root.name,
    request: request && { method: request.method, target: withoutSecrets(request), curl: curlOf(request) },
    status: typeof status === 'number' ? status : undefined,
    isFailed: root.isFailed,
    attributes: root.attributes,
    startedAt: new Date(root.startMs),
    durationMs: durationOf(root),
    spans: spans.map((span) => shown(span, root)).sort((a, b) => a.startMs - b.startMs),
    logs: lines,
    dropped,
  }
}

const shown = (span: Span, root: Span): RecordedSpan => {
  const { 'db.query.text': sql, 'db.response.returned_rows': rows, 'error.type': error } = span.attributes
  return {
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    kind: span.kind,
    startMs: span.startMs - root.startMs,
    durationMs: durationOf(span),
    sql: sql === undefined ? undefined : String(sql).slice(0, textMax),
    rows: typeof rows === 'number' ? rows : undefined,
    error: error === undefined ? undefined : String(error),
    attributes: span.attributes,
  }
}

const durationOf = ({ startMs, endMs = startMs }: Span) => endMs - startMs

/** What a span weighs besides its SQL. */
const spanSize = 400

const sizeOf = ({ request, spans, logs }: Recorded): number =>
  spanSize +
  (request ? request.target.length + request.curl.length : 0) +
  spans.reduce((sum, { sql = '' }) => sum + spanSize + sql.length, 0) +
  logs.reduce((sum, { json }) => sum + json.length, 0)
