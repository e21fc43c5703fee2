import { ConfigError, type ConfigProblem } from './problems.ts'
import { findFaults } from './rules.ts'
import { type Environment, readSource, type Source } from './sources.ts'
import { type EnvironmentName, environments, type Values, type Variable, variables } from './variables.ts'

/**
 * Parses every variable and checks the rules between them. Throws one ConfigError with all that is wrong, with what was
 * found wrong before.
 */
export function parseVariables(environment: Environment, found: readonly ConfigProblem[] = []): Values {
  const problems: ConfigProblem[] = [...found]
  const name = environments.find((known) => known === environment.NODE_ENV?.trim()) ?? 'development'
  const parsed = Object.entries(variables).map(([key, variable]) => {
    const { value, problem } = parseVariable(key, variable, { source: readSource(key, environment), environment: name })
    if (problem) problems.push(problem)
    return [key, value]
  })
  // The table's rows carry the types; a loop over them cannot.
  const values = Object.fromEntries(parsed) as Values
  const reported = new Set(problems.map((problem) => problem.name))
  problems.push(...findFaults(values).filter((fault) => !reported.has(fault.name)))
  if (problems.length > 0) throw new ConfigError(problems)
  return values
}

interface Found {
  readonly source: Source
  readonly environment: EnvironmentName
}

/** A refused value is replaced by the default, so that the rules can still judge the others. */
function parseVariable(name: string, variable: Variable, { source, environment }: Found) {
  const fallback = defaultOf(variable, environment)
  const initial = fallback === undefined ? undefined : variable.type.parse(fallback)
  if (source.problem) return { value: initial, problem: source.problem }
  if (source.text === undefined) return { value: initial }
  const result = variable.type.safeParse(source.text)
  if (result.success) return { value: result.data }
  const reasons = result.error.issues.filter((issue) => issue.code === 'custom' || variable.secret)
  const reason = [...new Set(reasons.map((issue) => issue.message))].filter((text) => text !== 'Invalid input')
  const found = [describeFound(variable, source), ...reason].join('; ')
  const problem = { name, expected: variable.type.description ?? 'another value', found, fix: fixFor(name, variable) }
  return { value: initial, problem }
}

/** The text of a default, as it would stand in `.env`. */
export function defaultOf(variable: Variable, environment: EnvironmentName): string | undefined {
  return typeof variable.default === 'object' ? variable.default[environment] : variable.default
}

function describeFound(variable: Variable, { text = '', file }: Source): string {
  const place = file === undefined ? '' : ` in ${file}`
  return variable.secret ? `a hidden text of ${Buffer.byteLength(text)} bytes${place}` : JSON.stringify(text)
}

function fixFor(name: string, variable: Variable): string {
  const sample = variable.example ?? defaultOf(variable, 'development')
  return sample ? `set it, as in ${name}=${sample}; or unset it` : 'put it right, or unset it'
}
