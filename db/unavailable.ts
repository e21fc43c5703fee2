import { causesOf, codeOf } from './causes.ts'

/** A mistake of ours, in whatever state the database is. */
export class WriteInReadAs extends Error {
  override readonly name = 'WriteInReadAs'
  constructor(cause: unknown) {
    super('readAs runs a query that writes nothing; use a transaction for what writes.', { cause })
  }
}

/** read_only_sql_transaction: outside of readAs, a primary that has become a standby or was set to take no writes. */
const readOnly = '25006'

/** Node's errors of a socket that could not be opened or was lost. */
const socketCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]

/**
 * SQLSTATEs of a server that refuses or ends connections: shutting down, starting, full, a transaction that lay idle too
 * long; or that takes no writes: read-only, its disk full (PostgreSQL manual, appendix A). PgBouncer says 08P01 of a server
 * that is gone or a queue that took too long.
 */
const serverCodes = [
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
  readOnly,
  '53100',
  '53300',
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
  '08P01',
]

const codes = new Set([...socketCodes, ...serverCodes])

/** node-postgres gives no code to these. */
const messages = [
  /^timeout exceeded when trying to connect/,
  /^timeout expired/,
  /^Query read timeout/,
  /^Connection terminated/,
  /^Client has encountered a connection error/,
  /^Client was closed/,
  /^Cannot use a pool after calling end/,
]

/** Whether the database could not be reached or did not answer in time: the same request may succeed later. */
export function isUnavailable(error: unknown): boolean {
  for (const cause of causesOf(error)) {
    if (cause instanceof WriteInReadAs) return false
    if ('code' in cause && typeof cause.code === 'string' && codes.has(cause.code)) return true
    if (isMissingSocket(cause)) return true
    if (cause instanceof Error && messages.some((pattern) => pattern.test(cause.message))) return true
  }
  return false
}

/** What failed in a read-only transaction of our own: a write there tells nothing of the database. */
export function asReadFailure(error: unknown): unknown {
  return codeOf(error) === readOnly ? new WriteInReadAs(error) : error
}

/** Whether the database itself stopped a statement that took too long (query_canceled). */
export function isStopped(error: unknown): boolean {
  return codeOf(error) === '57014'
}

/** A server that is down has no socket file; any other missing file is no matter of the database. */
function isMissingSocket(cause: object): boolean {
  return 'code' in cause && cause.code === 'ENOENT' && 'syscall' in cause && cause.syscall === 'connect'
}
