import { explainAccessFailure } from '../../db/accessFailure.ts'
import { DatabaseStartError } from '../../db/embedded/errors.ts'
import { MigrationError } from '../../db/migrationError.ts'
import { name } from '../version.ts'

const systemErrors: Record<string, (error: NodeJS.ErrnoException) => string> = {
  EADDRINUSE: () => 'The port is in use: stop the other program, or set PORT to another one (PORT=0 takes a free one).',
  EACCES: ({ path }) =>
    `No permission${path ? ` for ${path}` : ' for this port'}: change the owner, or set ${path ? 'DATA_DIR' : 'PORT above 1023'}.`,
  EADDRNOTAVAIL: () => 'HOST is no address of this machine: set HOST to 127.0.0.1, or 0.0.0.0 for all addresses.',
}

/** Their message says what happened and what to do. */
const explained = new Set(['ConfigError', 'UnsuitableDatabaseError', 'MissingTracingError', 'ModuleError'])

/** Says in one sentence, or one list, why the server did not start and what to do. Only the unforeseen shows a stack. */
export const explainStartFailure = (error: unknown, failure = `${name} did not start`): string => {
  if (!(error instanceof Error)) return `${failure}: ${String(error)}`
  const { code } = error as NodeJS.ErrnoException
  const explain = code === undefined ? undefined : systemErrors[code]
  if (explain) return explain(error)
  if (error instanceof DatabaseStartError || error instanceof MigrationError) return error.message
  if (explained.has(error.name)) return error.message
  return explainAccessFailure(error, 'DATABASE_URL') ?? `${failure}.\n${error.stack}`
}
