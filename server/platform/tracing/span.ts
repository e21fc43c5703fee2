import { randomFillSync } from 'node:crypto'
import { formatTraceparent, type SpanContext } from './traceContext.ts'

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'
export type Attributes = Readonly<Record<string, string | number | boolean>>

export interface SpanEvent {
  readonly name: string
  readonly atMs: number
}

export interface SpanSettings {
  readonly kind?: SpanKind
  readonly attributes?: Attributes
  /** What caused it and is not its parent. */
  readonly links?: readonly SpanContext[]
}

interface Origin {
  /** Of this process; undefined for a root. */
  readonly parent?: Span | undefined
  readonly context: Omit<SpanContext, 'spanId'>
  readonly parentSpanId: string | undefined
  readonly isRecorded: boolean
}

/** Told of every recorded span. */
export interface SpanReader {
  readonly onEnd: (span: Span) => void
}

/** Milliseconds since 1970, finer than Date and never going back. */
export const nowMs = (): number => performance.timeOrigin + performance.now()

/**
 * Something that took time. Holds names, counts and ids; never a value that a client sent, a header or a secret: whoever
 * sets an attribute sees to that. One that is not recorded is a context to pass on and holds nothing else.
 */
export class Span implements SpanContext {
  name: string
  readonly kind: SpanKind
  readonly traceId: string
  readonly spanId: string
  readonly isSampled: boolean
  readonly traceState: string | undefined
  readonly isRecorded: boolean
  /** Of this process. */
  readonly parent: Span | undefined
  readonly parentSpanId: string | undefined
  /** The parent is a span of another process. */
  readonly hasRemoteParent: boolean
  /** The first span of this process: a request, a call on a socket, an event being handled, a run of a duty. */
  readonly root: Span
  readonly links: readonly SpanContext[]
  readonly startMs: number
  /** undefined while it lasts. */
  endMs: number | undefined
  readonly attributes: Record<string, string | number | boolean>
  readonly events: SpanEvent[] = []
  /** What went wrong by our own doing; a refusal is none. */
  isFailed = false
  readonly #reader: SpanReader

  constructor(
    name: string,
    origin: Origin,
    { kind = 'internal', attributes, links = [] }: SpanSettings,
    reader: SpanReader,
  ) {
    const { parent, context } = origin
    this.name = name
    this.kind = kind
    this.traceId = context.traceId
    this.spanId = newId(8)
    this.isSampled = context.isSampled
    this.traceState = context.traceState
    this.isRecorded = origin.isRecorded
    this.parent = parent
    this.parentSpanId = origin.parentSpanId
    this.hasRemoteParent = parent === undefined && origin.parentSpanId !== undefined
    this.root = parent ? parent.root : this
    this.links = links
    this.startMs = nowMs()
    this.attributes = origin.isRecorded ? { ...attributes } : {}
    this.#reader = reader
  }

  /** What another process, or an event, is told of this span. */
  get traceparent(): string {
    return formatTraceparent(this)
  }

  set(name: string, value: string | number | boolean | undefined): void {
    if (value !== undefined && this.isRecorded) this.attributes[name] = value
  }

  /** Notes a moment within the span. */
  note(name: string): void {
    if (this.isRecorded) this.events.push({ name, atMs: nowMs() })
  }

  /** Says what went wrong. Anything with a status below 500 is the caller's doing. */
  fail(error: unknown): void {
    if (!this.isRecorded) return
    this.attributes['error.type'] = typeOf(error)
    const { status } = (error ?? {}) as { status?: unknown }
    this.isFailed = typeof status !== 'number' || status >= 500
  }

  /** Only the first call counts. */
  end(): void {
    if (this.endMs !== undefined) return
    this.endMs = nowMs()
    if (this.isRecorded) this.#reader.onEnd(this)
  }
}

/** The code of an error, or its class: never its message, which may quote anything. */
const typeOf = (error: unknown): string => {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  if (typeof code === 'string') return code.slice(0, 120)
  if (typeof (cause as { code?: unknown } | undefined)?.code === 'string') return typeOf(cause)
  return error instanceof Error ? error.name.slice(0, 120) : '_OTHER'
}

const poolBytes = 8_192
const pool = Buffer.alloc(poolBytes)
let used = poolBytes

/** Random hex digits for so many bytes, not all zero. */
export const newId = (bytes: 8 | 16): string => {
  if (used + bytes > poolBytes) {
    randomFillSync(pool)
    used = 0
  }
  const id = pool.toString('hex', used, used + bytes)
  used += bytes
  return /^0+$/.test(id) ? newId(bytes) : id
}
