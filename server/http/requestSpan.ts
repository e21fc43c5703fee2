import type { RequestHead } from '../context.ts'
import type { Span } from '../platform/tracing/span.ts'
import { parseTraceparent } from '../platform/tracing/traceContext.ts'
import type { Tracing } from '../platform/tracing/tracing.ts'
import type { Exchange } from './exchange.ts'
import type { Route } from './route.ts'

/** Those of RFC 9110 and RFC 5789; any other would be a name of the client's making. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'])

/**
 * Opens the span of a request, under the caller's when its `traceparent` is good. It is named by the route, and the path
 * is left out: what stands in it is input. Probes and the pages for operators have none.
 */
export const openRequestSpan = (
  tracing: Tracing,
  exchange: Exchange,
  { head, route }: { readonly head: RequestHead; readonly route: Route | undefined },
): void => {
  if (route?.isSystem) return
  const { headers, path, query } = exchange
  const method = methods.has(exchange.method) ? exchange.method : '_OTHER'
  const attributes = {
    'http.request.method': method,
    'url.scheme': 'http',
    'tsforge.request_id': head.id,
    ...(route === undefined ? {} : { 'http.route': route.path }),
  }
  const name = route === undefined ? method : `${method} ${route.path}`
  const span = tracing.open(name, parseTraceparent(headers.traceparent, headers.tracestate), {
    kind: 'server',
    attributes,
  })
  head.span = span
  tracing.recorder?.receive(span, { id: head.id, method: exchange.method, path, query, headers })
}

/** `status` is undefined for a client that left before its reply: none was sent. */
export const endRequestSpan = (span: Span, head: RequestHead, status: number | undefined): void => {
  if (span.endMs !== undefined) return
  span.set('http.response.status_code', status)
  span.set('user.id', head.userId)
  if (status === undefined) span.set('error.type', 'client_closed')
  if (status !== undefined && status >= 500) span.fail({ status, code: String(status) })
  span.end()
}
