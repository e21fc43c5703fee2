/** One variable that cannot be used. No field ever holds the value of a secret. */
export interface ConfigProblem {
  readonly name: string
  readonly expected: string
  readonly found: string
  readonly fix: string
}

/** Thrown once with everything that is wrong, so that one restart is enough to put it right. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[]
  constructor(problems: readonly ConfigProblem[]) {
    super(describeProblems(problems))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

function describeProblems(problems: readonly ConfigProblem[]): string {
  const title =
    problems.length === 1 ? 'The configuration has a problem.' : `${problems.length} configuration problems.`
  return [title, ...problems.map(describeProblem)].join('\n\n')
}

function describeProblem({ name, expected, found, fix }: ConfigProblem): string {
  return [`  ${name}`, `    expected: ${expected}`, `    found:    ${found}`, `    fix:      ${fix}`].join('\n')
}

/** The code of a failed file operation ('ENOENT'), or '' for any other error. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
