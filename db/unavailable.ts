const lostConnection = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOENT'])
/** PostgreSQL appendix A: class 08, admin shutdown, crash shutdown, cannot connect now, too many connections. */
const unavailableStates = /^(?:08...|57P01|57P02|57P03|53300)$/
const poolMessages = /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error/

/** True when an error says that the database cannot be reached at the moment, so that a later try may succeed. */
export const isUnavailable = (error: unknown): boolean => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown }
    if (typeof code === 'string' && (lostConnection.has(code) || unavailableStates.test(code))) return true
    if (poolMessages.test(cause.message)) return true
  }
  return false
}
