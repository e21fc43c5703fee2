/** The error and what caused it, outermost first: Drizzle wraps PostgreSQL's errors, Node groups those of several addresses. */
export function* causesOf(error: unknown): Generator<object> {
  for (let depth = 0; typeof error === 'object' && error !== null && depth < 8; depth++) {
    yield error
    if (error instanceof AggregateError) for (const inner of error.errors) yield* causesOf(inner)
    error = 'cause' in error ? error.cause : undefined
  }
}

/** The first SQLSTATE or system error code among the causes; undefined when there is none. */
export function codeOf(error: unknown): string | undefined {
  for (const cause of causesOf(error)) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code
  }
  return undefined
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Class and code of an error. Its message may quote rows, parameters and addresses, and belongs in the log alone. */
export function kindOf(error: unknown): string {
  const code = codeOf(error)
  if (code !== undefined) return (/^[0-9A-Z]{5}$/.test(code) ? `SQLSTATE ${code}` : code).slice(0, kindCharactersMax)
  return error instanceof Error ? error.name.slice(0, kindCharactersMax) : 'a value that is no Error was thrown'
}

const kindCharactersMax = 120
