import { type DestinationStream, type Logger, pino } from 'pino'
import type { Config } from './config.ts'
import { writeLines } from './platform/logLines.ts'

/** Whatever a log call is handed, what stands under such a name never reaches the output. */
const secretName =
  /password|passphrase|secret|token|credential|authorization|cookie|plaintext|(?:idempotency|api|key)[-_]?(?:key|hash)/i
const depthMax = 4

/**
 * Copies fields without their secrets. pino's own redaction by paths with wildcards costs more than all the rest of a
 * request's log line.
 */
const withoutSecrets = (fields: Record<string, unknown>, depth = 0): Record<string, unknown> => {
  const copy: Record<string, unknown> = {}
  for (const name in fields) {
    copy[name] = secretName.test(name) ? '[redacted]' : shown(name, fields[name], depth)
  }
  return copy
}

/** Errors go to the serializer of `err`, under whatever name they come. */
const shown = (name: string, value: unknown, depth: number): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Error) return name === 'err' && depth === 0 ? value : errorFields(value)
  if (depth >= depthMax) return '[too deep]'
  if (Array.isArray(value)) return value.map((item) => shown('', item, depth + 1))
  return value instanceof Date ? value : withoutSecrets(value as Record<string, unknown>, depth + 1)
}

/**
 * Parts of an error that a log may hold. A database error repeats parameters and row contents in `detail`, `where`
 * and `params`, so those stay out.
 */
const errorFields = (error: unknown): unknown => {
  if (!(error instanceof Error)) return { message: 'a value that is no Error was thrown' }
  const { code, constraint, table } = error as { code?: unknown; constraint?: unknown; table?: unknown }
  return {
    type: error.name,
    message: publicMessage(error.message, code),
    code,
    constraint,
    table,
    stack: framesOf(error),
    cause: error.cause === undefined ? undefined : errorFields(error.cause),
  }
}

/**
 * Drizzle lists the parameters behind its message. PostgreSQL's messages name things of the schema, except those of
 * class 22 (data exception), which quote the value, and of class P0, which a trigger writes (PostgreSQL manual, appendix A).
 */
const publicMessage = (message: string, code: unknown): string => {
  const kept = message.split('\nparams:')[0] ?? ''
  if (typeof code !== 'string') return kept
  if (/^P0\w{3}$/.test(code)) return 'raised in the database'
  return /^22\w{3}$/.test(code) ? kept.replace(/".*"/s, '"…"') : kept
}

/** The stack without the message that stands before it, whose lines may look like frames. */
const framesOf = ({ stack = '', message }: Error): string => {
  const start = stack.indexOf(message)
  return start === -1 ? '' : stack.slice(start + message.length).trim()
}

/** One JSON line for each event on standard output; readable text when a person is looking at a terminal. */
export const createLog = async (
  { logLevel, environment }: Config,
  destination?: DestinationStream,
): Promise<Logger> => {
  const options = {
    level: logLevel,
    base: null,
    formatters: { log: withoutSecrets },
    serializers: { err: errorFields },
  }
  if (destination) return pino(options, destination)
  const isForPeople = environment !== 'production' && process.stdout.isTTY
  if (!isForPeople) return writeLines(options, { file: 1 })
  const { default: pretty } = await import('pino-pretty')
  return pino(options, pretty({ ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', sync: true }))
}
