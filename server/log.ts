import { type DestinationStream, type Logger, pino } from 'pino'
import type { Config } from './config.ts'

/** Whatever a log call is handed, these never reach the output. */
const redacted = [
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
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`])

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
    stack: error.stack?.split('\n').filter((line) => line.trimStart().startsWith('at ')).join('\n'),
    cause: error.cause === undefined ? undefined : errorFields(error.cause),
  }
}

/** One JSON line for each event on standard output; readable text when a person is looking at a terminal. */
export const createLog = async ({ logLevel, environment }: Config, destination?: DestinationStream): Promise<Logger> => {
  const options = { level: logLevel, base: null, redact: redacted, serializers: { err: errorFields } }
  if (destination) return pino(options, destination)
  const isForPeople = environment !== 'production' && process.stdout.isTTY
  if (!isForPeople) return pino(options, pino.destination({ dest: 1, sync: true }))
  const { default: pretty } = await import('pino-pretty')
  return pino(options, pretty({ ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', sync: true }))
}
