import { causesOf } from './causes.ts'

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

/** SQLSTATEs of a server that refuses or ends connections: shutting down, starting, full (PostgreSQL manual, appendix A). */
const serverCodes = ['57P01', '57P02', '57P03', '57P05', '53300', '08000', '08001', '08003', '08004', '08006']

const codes = new Set([...socketCodes, ...serverCodes])

/** node-postgres gives no code to these. */
const messages = [
  /^timeout exceeded when trying to connect/,
  /^Connection terminated/,
  /^Client has encountered a connection error/,
  /^Client was closed/,
  /^Cannot use a pool after calling end/,
]

/** Whether the database could not be reached or gave no connection in time: the same request may succeed later. */
export function isUnavailable(error: unknown): boolean {
  for (const cause of causesOf(error)) {
    if ('code' in cause && typeof cause.code === 'string' && codes.has(cause.code)) return true
    if (isMissingSocket(cause)) return true
    if (cause instanceof Error && messages.some((pattern) => pattern.test(cause.message))) return true
  }
  return false
}

/** A server that is down has no socket file; any other missing file is no matter of the database. */
function isMissingSocket(cause: object): boolean {
  return 'code' in cause && cause.code === 'ENOENT' && 'syscall' in cause && cause.syscall === 'connect'
}
