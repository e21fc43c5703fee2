/** What of a span another process, or another span, has to know. W3C Trace Context, level 1. */
export interface SpanContext {
  /** 32 hex digits, not all zero. */
  readonly traceId: string
  /** 16 hex digits, not all zero. */
  readonly spanId: string
  /** The trace is kept by whoever began it, so it is kept here too. */
  readonly isSampled: boolean
  /** `tracestate` as it came, within bounds; it is passed along and never read. */
  readonly traceState?: string | undefined
  /** It came from another process. */
  readonly isRemote?: boolean
}

/** Version, trace id, parent id, flags, and what a later version may have behind them. Ids of zeros are not valid (3.2.2). */
const traceparents = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Undefined for what is missing or malformed: whoever reads it begins a trace of its own. */
export const parseTraceparent = (
  traceparent: string | null | undefined,
  traceState?: string,
): SpanContext | undefined => {
  const found = traceparent == null ? null : traceparents.exec(traceparent)
  if (!found) return undefined
  const [, version, traceId = '', spanId = '', flags = '00', more] = found
  if (version === '00' && more !== undefined) return undefined
  const kept = boundedTraceState(traceState)
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1
  return { traceId, spanId, isSampled, isRemote: true, ...(kept === undefined ? {} : { traceState: kept }) }
}

/** As version 00 writes it, whatever version it was read from (3.2.3). */
export const formatTraceparent = ({ traceId, spanId, isSampled }: SpanContext): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`

/** 3.3.1.1 and 3.3.1.5: so many members, and so many characters, are passed along at least; more is not asked of anybody. */
const membersMax = 32
const charactersMax = 512
const member =
  /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/** What may be passed along: all of it, or its first members when it is long; nothing of one that is malformed. */
export const boundedTraceState = (sent: string | undefined): string | undefined => {
  if (sent === undefined || sent.length > 4 * charactersMax) return undefined
  const members = sent.split(',').map((one) => one.trim())
  const named = members.filter((one) => one !== '')
  const keys = new Set(named.map((one) => one.slice(0, one.indexOf('='))))
  if (named.length > membersMax || keys.size < named.length || !named.every((one) => member.test(one))) return undefined
  let kept = ''
  for (const one of named) {
    const longer = kept === '' ? one : `${kept},${one}`
    if (longer.length > charactersMax) break
    kept = longer
  }
  return kept === '' ? undefined : kept
}
