import { type DestinationStream, type Logger, pino } from 'pino'
import type { Config } from './config.ts'

/** Whatever a log call is handed, what stands under these names never reaches the output. */
const secretNames = new Set([
  'password',
  'current_password',
  'new_password',
  'authorization',
  'refresh_token',
  'access_token',
  'token',
  'secret',
  'plaintext',
  'idempotency_key',
])
const depthMax = 4

/**
 * Copies fields without their secrets. pino's own redaction by paths with wildcards costs more than all the rest of a
 * request's log line.
 */
const withoutSecrets = (fields: Record<string, unknown>, depth = 0): Record<string, unknown> => {
  const copy: Record<string, unknown> = {}
  for (const name in fields) {
    const value = fields[name]
    const isNested = typeof value === 'object' && value !== null && !(value instanceof Error) && !Array.isArray(value)
    if (secretNames.has(name)) copy[name] = '[redacted]'
    else copy[name] = isNested && depth < depthMax ? withoutSecrets(value as Record<string, unknown>, depth + 1) : value
  }
  return copy
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
    message: error.message.split('\nparams:')[0],
    code,
    constraint,
    table,
    stack: framesOf(error),
    cause: error.cause === undefined ? undefined : errorFields(error.cause),
  }
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
  if (!isForPeople) return pino(options, pino.destination({ dest: 1, sync: false }))
  const { default: pretty } = await import('pino-pretty')
  return pino(options, pretty({ ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', sync: true }))
}
