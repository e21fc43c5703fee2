import type { Entry } from '../../contract/define.ts'
import type { Span } from '../platform/tracing/span.ts'
import type { Tracing } from '../platform/tracing/tracing.ts'
import type { OpenCall, Result } from './procedure.ts'

/**
 * Runs a call under a span named by its entry. A call on a socket has no request of its own: it begins a trace, linked
 * to the handshake, since a socket may be open for days.
 */
export const traceCall = (
  tracing: Tracing,
  { call, rules }: { readonly call: OpenCall; readonly rules: Entry },
  work: () => Promise<Result>,
): Promise<Result> => {
  const { request, entry } = call
  if (request.span && !request.span.isRecorded) return work()
  const attributes = { 'tsforge.entry': entry, 'tsforge.kind': rules.kind }
  const told = async (span: Span | undefined) => {
    try {
      const result = await work()
      if (result.isReplay) span?.set('tsforge.is_replay', true)
      return result
    } finally {
      span?.set('tsforge.bucket', call.bucket)
    }
  }
  if (request.span) return tracing.within(request.span, () => tracing.span(entry, { attributes }, told))
  const links = request.handshake ? [request.handshake] : []
  const own = { ...attributes, 'rpc.system.name': 'trpc', 'rpc.method': entry, 'tsforge.request_id': request.id }
  return tracing.root(entry, undefined, { kind: 'server', attributes: own, links }, (span) => {
    request.span = span
    return told(span).finally(() => span.set('user.id', request.userId))
  })
}
