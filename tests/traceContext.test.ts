import { describe, expect, it } from 'vitest'
import { boundedTraceState, formatTraceparent, parseTraceparent } from '../server/platform/tracing/traceContext.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

describe('traceparent', () => {
  it('is read with its sampled flag', () => {
    expect(parseTraceparent(`00-${traceId}-${spanId}-01`)).toMatchObject({ traceId, spanId, isSampled: true })
    expect(parseTraceparent(`00-${traceId}-${spanId}-00`)).toMatchObject({ traceId, spanId, isSampled: false })
    expect(parseTraceparent(`00-${traceId}-${spanId}-03`)?.isSampled).toBe(true)
    expect(parseTraceparent(`00-${traceId}-${spanId}-02`)?.isSampled).toBe(false)
  })

  it('of a later version is read as far as version 00 goes, and passed on as version 00', () => {
    const context = parseTraceparent(`cc-${traceId}-${spanId}-01-what-the-future-will-be`)
    expect(context && formatTraceparent(context)).toBe(`00-${traceId}-${spanId}-01`)
    expect(parseTraceparent(`cc-${traceId}-${spanId}-01`)).toBeDefined()
  })

  it.each([
    ['version ff', `ff-${traceId}-${spanId}-01`],
    ['a longer version 00', `00-${traceId}-${spanId}-01-more`],
    ['a later version without a dash behind the flags', `cc-${traceId}-${spanId}-01.more`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['capital letters', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['a short trace id', `00-${traceId.slice(1)}-${spanId}-01`],
    ['missing flags', `00-${traceId}-${spanId}`],
    ['flags that are no hex', `00-${traceId}-${spanId}-0x`],
    ['two of them joined', `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`],
    ['nothing', ''],
  ])('that is malformed begins another trace: %s', (_, header) => {
    expect(parseTraceparent(header)).toBeUndefined()
  })
})

describe('tracestate', () => {
  it('is passed along as it came', () => {
    expect(boundedTraceState('rojo=00f067aa0ba902b7, congo=t61rcWkgMzE,a@b=c')).toBe(
      'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,a@b=c',
    )
  })

  it('keeps its first members where it is longer than 512 characters', () => {
    const members = Array.from({ length: 6 }, (_, index) => `vendor${index}=${'x'.repeat(120)}`)
    expect(boundedTraceState(members.join(','))).toBe(members.slice(0, 3).join(','))
  })

  it.each([
    ['a member without a value', 'rojo'],
    ['a capital letter in a key', 'Rojo=1'],
    ['the same key twice', 'a=1,a=2'],
    ['33 members', Array.from({ length: 33 }, (_, index) => `k${index}=1`).join(',')],
    ['nothing', ''],
    ['far too much', `a=${'x'.repeat(5_000)}`],
  ])('is dropped when it is malformed: %s', (_, header) => {
    expect(boundedTraceState(header)).toBeUndefined()
  })
})
