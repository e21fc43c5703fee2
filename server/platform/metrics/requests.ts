import type { Metrics } from './metrics.ts'

/** Others are one label value: clients may write what they like there. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE'])

/** Takes note of a request that is over. `route` is the template, '' where none answered; status 499 when the client left. */
export type CountRequest = (method: string, route: string, status: number, durationMs: number) => void

/** Finds the series of a request by three look-ups, so that its labels are put together only once. */
export const createRequestCounter = (metrics: Metrics): CountRequest => {
  const series = new Map<string, Map<string, Map<number, (seconds: number) => void>>>()
  return (sent, route, status, durationMs) => {
    const method = methods.has(sent) ? sent : '_OTHER'
    const byStatus = innerOf(innerOf(series, method), route)
    let observe = byStatus.get(status)
    if (!observe) {
      observe = metrics.timing('http_server_request_duration_seconds', {
        http_request_method: method,
        http_route: route,
        http_response_status_code: String(status),
      })
      byStatus.set(status, observe)
    }
    observe(durationMs / 1000)
  }
}

const innerOf = <Key, Inner extends Map<unknown, unknown>>(outer: Map<Key, Inner>, key: Key): Inner => {
  const known = outer.get(key)
  if (known) return known
  const made = new Map() as Inner
  outer.set(key, made)
  return made
}
