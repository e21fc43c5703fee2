import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { ConfigError, type ConfigProblem, errorCode } from './problems.ts'
import { type Variable, variables } from './variables.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where the text of a variable was found; `problem` when it could not be read. */
export interface Source {
  readonly text?: string
  readonly file?: string
  readonly problem?: ConfigProblem
}

export const secretNames: readonly string[] = Object.entries(variables as Readonly<Record<string, Variable>>)
  .filter(([, variable]) => variable.secret)
  .map(([name]) => name)

export const knownNames: readonly string[] = [...Object.keys(variables), ...secretNames.map((name) => `${name}_FILE`)]

/**
 * Adds the variables of a `.env` file that the environment does not set. A variable set to nothing stays so: it is how
 * one run goes back to the default. A missing file adds nothing; an unreadable one throws ConfigError.
 */
export function withDotenv(environment: Environment, path: string): Environment {
  const added = readDotenv(path)
  const isOpen = ([name]: [string, unknown]) =>
    environment[name] === undefined && environment[counterpart(name)] === undefined
  return { ...Object.fromEntries(Object.entries(added).filter(isOpen)), ...environment }
}

/** NAME and NAME_FILE are two spellings of one variable, so that either in the environment silences both in `.env`. */
function counterpart(name: string): string {
  return name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : `${name}_FILE`
}

/** The variables of a `.env` file; none when there is no file. An unreadable one throws ConfigError. */
export function readDotenv(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, 'utf8'))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {}
    const fix = 'make the file readable, or remove it'
    throw new ConfigError([{ name: '.env', expected: 'a readable file', found: unreadable(path, error), fix }])
  }
}

/** The text of one variable, from itself or from its file. An empty text counts as unset. */
export function readSource(name: string, environment: Environment): Source {
  const text = environment[name] || undefined
  const path = secretNames.includes(name) ? environment[`${name}_FILE`] || undefined : undefined
  if (path === undefined) return text === undefined ? {} : { text }
  if (text === undefined) return readSecretFile(name, path)
  const expected = `${name} or ${name}_FILE, not both`
  return { problem: { name, expected, found: 'both are set', fix: `unset ${name} or ${name}_FILE` } }
}

function readSecretFile(name: string, path: string): Source {
  const problem = (found: string): Source => ({
    problem: { name, expected: `a file with the value of ${name}`, found, fix: `put it right, or unset ${name}_FILE` },
  })
  try {
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
    return text === '' ? problem(`an empty file ${path}`) : { text, file: path }
  } catch (error) {
    return problem(unreadable(path, error))
  }
}

function unreadable(path: string, error: unknown): string {
  return `${path} cannot be read (${errorCode(error) || 'unknown error'})`
}
