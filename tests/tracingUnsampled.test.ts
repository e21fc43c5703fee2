import { describe, expect, it } from 'vitest'
import type { Span } from '../server/platform/tracing/span.ts'
import type { SpanContext } from '../server/platform/tracing/traceContext.ts'
import { createTracing } from '../server/platform/tracing/tracing.ts'

const sampled: SpanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true }
const start = () => {
  const ended: Span[] = []
  const exporter = { onEnd: (span: Span) => void ended.push(span), close: async () => {} }
  return { tracing: createTracing({ share: 0, exporter }), ended }
}

describe('a trace that nobody keeps', () => {
  it('has no scope, no attributes and no spans below', async () => {
    const { tracing, ended } = start()
    await tracing.root('work', undefined, { attributes: { part: 1 } }, async (span) => {
      span.set('other', 2)
      expect(tracing.current()).toBeUndefined()
      expect(tracing.queries.query('select 1', undefined)).toBeUndefined()
      await tracing.span('below', {}, async (below) => expect(below).toBeUndefined())
      expect(span.attributes).toEqual({})
    })
    expect(ended).toEqual([])
  })

  it('begun within one that is kept puts nothing into it', async () => {
    const { tracing, ended } = start()
    await tracing.root('kept', sampled, {}, () =>
      tracing.root('not kept', undefined, {}, () => tracing.span('below', {}, async () => {})),
    )
    expect(ended.map(({ name }) => name)).toEqual(['kept'])
  })
})

it('a callback that waited finds its own scope, whoever calls it', async () => {
  const { tracing } = start()
  const found: unknown[] = []
  const outside = tracing.queries.keep(() => void found.push(tracing.current()))
  await tracing.root('one', sampled, {}, async (one) => {
    const kept = tracing.queries.keep(() => void found.push(tracing.current()))
    await tracing.root('two', sampled, {}, async () => {
      kept()
      outside()
    })
    expect(found).toEqual([one, undefined])
  })
})
