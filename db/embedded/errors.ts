/** The embedded database cannot run. The message is one sentence: what happened and what to do next. */
export class DatabaseStartError extends Error {
  override readonly name = 'DatabaseStartError'
}

/** `what` is a clause without a full stop; `next` an imperative one that leads to a running database. */
export function cannotStart(what: string, next: string, cause?: unknown): DatabaseStartError {
  return new DatabaseStartError(`${what}; ${next}, or set DATABASE_URL to use a PostgreSQL of your own.`, { cause })
}
