import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { RequestHead } from '../context.ts'
import { clientKey } from './clientAddress.ts'
import type { Exchange } from './exchange.ts'

const requestIds = /^[A-Za-z0-9._-]{1,128}$/
/** W3C Trace Context 3.2.2: version, trace id, parent id, flags; ids of zeros are not valid. */
const traceparents = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/

/** Reads what all calls of a request share. A request id that could break a log or a header is replaced. */
export const openRequest = (exchange: Exchange, address: string, log: Logger): RequestHead => {
  const { headers } = exchange
  const sent = headers['x-request-id']
  const id = sent !== undefined && requestIds.test(sent) ? sent : randomUUID()
  const trace = headers.traceparent
  const traceId = trace === undefined ? undefined : traceparents.exec(trace)?.[1]
  let own: Logger | undefined
  return {
    id,
    traceId,
    address,
    tenantHeader: headers['x-tenant-id'],
    userAgent: headers['user-agent'] ?? '',
    authorization: headers.authorization,
    idempotencyKey: headers['idempotency-key'],
    isBatch: false,
    userId: undefined,
    budget: undefined,
    get clientKey() {
      return clientKey(address)
    },
    get signal() {
      return exchange.signal
    },
    get log() {
      own ??= log.child({ request_id: id, ...(traceId === undefined ? {} : { trace_id: traceId }) })
      return own
    },
  }
}
