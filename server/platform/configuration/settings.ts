import { flagPrefix } from './flagVariables.ts'
import { defaultOf } from './parse.ts'
import { type Environment, readDotenv, readSource, secretNames, withDotenv } from './sources.ts'
import { environments, type Variable, variables } from './variables.ts'

/** One variable as it stands, and where that comes from. */
export interface Setting {
  readonly name: string
  /** As one would write it in `.env`; undefined when there is none, or when its file cannot be read. */
  readonly text: string | undefined
  readonly source: 'environment' | '.env' | 'file' | 'default' | 'unset'
  /** The path of a file that holds it. */
  readonly file?: string
  readonly isSecret: boolean
}

/**
 * Every variable of the table, and those of flags that are set, with text and source, right or wrong: nothing is parsed.
 * Holds secrets.
 * `dotenv` is the path of the `.env` file; an unreadable one throws ConfigError.
 */
export function listSettings(environment: Environment, dotenv: string): readonly Setting[] {
  const joined = withDotenv(environment, dotenv)
  const written = readDotenv(dotenv)
  const kind = environments.find((known) => known === joined.NODE_ENV?.trim()) ?? 'development'
  const sourceOf = (name: string) => (environment[name] === undefined && written[name] ? '.env' : 'environment')
  const ofTable = Object.entries(variables as Readonly<Record<string, Variable>>).map(([name, variable]): Setting => {
    const isSecret = secretNames.includes(name)
    const { text, file, problem } = readSource(name, joined)
    const path = file ?? (problem && joined[`${name}_FILE`])
    if (path !== undefined) return { name, text, source: 'file', file: path, isSecret }
    if (text === undefined) {
      const fallback = defaultOf(variable, kind)
      return { name, text: fallback || undefined, source: fallback === undefined ? 'unset' : 'default', isSecret }
    }
    return { name, text, source: sourceOf(name), isSecret }
  })
  const ofFlags = Object.entries(joined)
    .filter(([name, text]) => name.startsWith(flagPrefix) && text)
    .map(([name, text]): Setting => ({ name, text, source: sourceOf(name), isSecret: false }))
  return [...ofTable, ...ofFlags]
}
