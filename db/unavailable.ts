import { causesOf, codeOf } from './causes.ts'

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
 * long (PostgreSQL manual, appendix A). PgBouncer says 08P01 of a server that is gone or a queue that took too long.
 */
const serverCodes = [
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
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
    if ('code' in cause && typeof cause.code === 'string' && codes.has(cause.code)) return true
    if (isMissingSocket(cause)) return true
    if (cause instanceof Error && messages.some((pattern) => pattern.test(cause.message))) return true
  }
  return false
}

/** Whether the database itself stopped a statement that took too long (query_canceled). */
export function isStopped(error: unknown): boolean {
  return codeOf(error) === '57014'
}

/** A server that is down has no socket file; any other missing file is no matter of the database. */
function isMissingSocket(cause: object): boolean {
  return 'code' in cause && cause.code === 'ENOENT' && 'syscall' in cause && cause.syscall === 'connect'
}
