import { defaultOf } from './parse.ts'
import { groups, type Variable } from './variables.ts'

const intro = `# Configuration

Everything is an environment variable, and everything has a default: nothing needs to be set in development.
Each process reads them once, at its start, and stops with a list of everything that is wrong. Of several workers one that
replaces another reads files anew, whatever they say by then ([deployment.md](deployment.md#restarts)).

- A file \`.env\` in the working directory is read too (\`cp .env.example .env\`). It never overrides the environment.
- An empty value counts as unset. In the environment it also silences the same variable in \`.env\`.
- A secret may be given as a file: \`<NAME>_FILE\` holds its path, as with Docker and Kubernetes secrets. One trailing
  line break is dropped. Setting both \`<NAME>\` and \`<NAME>_FILE\` is an error.
- Numbers are plain digits, booleans \`true\`, \`false\`, \`1\` or \`0\`, lists are separated by commas.
- A name that is unknown but close to a known one is logged as a warning.
- \`FLAG_<NAME>\` sets a feature flag for everybody ([flags.md](flags.md)); one that is unknown is an error.
- \`NODE_ENV=production\` requires \`DATABASE_URL\` and either \`JWT_SECRET\` or \`JWT_KEYS\`, and refuses \`CORS_ORIGINS=*\`.

This page and \`.env.example\` are written by \`npm run generate\` from the table in
\`server/platform/configuration/variables.ts\`.
`

/** The text of `docs/configuration.md`. */
export function renderConfigurationPage(): string {
  const sections = groups.map(({ title, rows }) =>
    [
      `## ${title}`,
      '',
      '| variable | default | value | meaning |',
      '|---|---|---|---|',
      ...Object.entries(rows).map(([name, variable]) => renderRow(name, variable)),
      '',
    ].join('\n'),
  )
  return [intro, ...sections].join('\n')
}

function renderRow(name: string, variable: Variable): string {
  const names = variable.secret ? `\`${name}\`, \`${name}_FILE\`` : `\`${name}\``
  const cells = [names, describeDefault(variable), variable.type.description ?? '', variable.description]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function describeDefault(variable: Variable): string {
  if (variable.defaultText !== undefined) return variable.defaultText
  const [development, production] = [defaultOf(variable, 'development'), defaultOf(variable, 'production')]
  return development === production ? `\`${development}\`` : `\`${development}\` (production \`${production}\`)`
}

/** The text of `.env.example`. Every line is a comment, so that a plain copy changes nothing. */
export function renderEnvExample(): string {
  const head = '# Copy to .env and uncomment what should differ. docs/configuration.md explains every variable.\n'
  const sections = groups.map(({ title, rows }) =>
    [`# --- ${title} ---`, '', ...Object.entries(rows).map(([name, variable]) => renderExample(name, variable))].join(
      '\n',
    ),
  )
  return [head, ...sections].join('\n')
}

function renderExample(name: string, variable: Variable): string {
  const sample = variable.example ?? defaultOf(variable, 'development') ?? ''
  return `# ${variable.description.replaceAll('`', '')}\n# ${name}=${sample}\n`
}
