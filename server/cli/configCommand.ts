import type { Command } from 'commander'
import type { Setting } from '../config.ts'
import { secretsFileIn } from '../platform/configuration/developmentSecret.ts'
import { withoutCredentials } from './doctor/finding.ts'
import { answer, columns, example, jsonOption } from './output.ts'
import type { Terminal } from './terminal.ts'

/** One variable as it may be shown: of a secret, how long it is. */
interface Row {
  readonly name: string
  /** Null when there is none. */
  readonly value: string | null
  /** Set for secrets in place of the value. */
  readonly bytes?: number
  readonly source: Setting['source'] | 'made'
  readonly file?: string
}

const explanation = `
Secrets are never printed, only how long they are: --redacted says so aloud and changes nothing. Sources: environment,
.env, file (<NAME>_FILE), made (once, in DATA_DIR), default, unset. A configuration that is wrong is listed too, with
what is wrong behind it, and ends with 1.`

/** Adds `config` to the commands. */
export const addConfigCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('config')
    .description('show every variable as the server would take it, and where it comes from')
    .option('--redacted', 'hide secrets, as is always done')
    .option(...jsonOption)
    .addHelpText('after', `${example('config --redacted')}\n${explanation}`)
    .action(({ json }: { readonly json?: true }) => {
      const rows = shownRows(terminal.loadSettings())
      answer(terminal, json, { variables: rows }, columns(rows.map(cellsOf)))
      // Its complaints stand behind the list that shows where each value came from.
      for (const warning of terminal.loadConfig().warnings) terminal.complain(`${warning}\n`)
    })
}

const shownRows = (settings: readonly Setting[]): readonly Row[] => {
  const textOf = (name: string) => settings.find((setting) => setting.name === name)?.text
  const makesSecret = !textOf('JWT_SECRET') && !textOf('JWT_KEYS') && textOf('NODE_ENV') !== 'production'
  return settings.map(({ name, text, source, file, isSecret }) => {
    const from = { source, ...(file === undefined ? {} : { file }) }
    if (name === 'JWT_SECRET' && makesSecret && source === 'unset') {
      return { name, value: null, source: 'made', file: secretsFileIn(textOf('DATA_DIR') ?? '') }
    }
    if (!isSecret) return { name, value: text === undefined ? null : withoutCredentials(text), ...from }
    return { name, value: null, ...(text === undefined ? {} : { bytes: Buffer.byteLength(text) }), ...from }
  })
}

const cellsOf = ({ name, value, bytes, source, file }: Row): string[] => {
  const shown = bytes === undefined ? (value ?? (source === 'made' ? '(hidden)' : '')) : `(hidden, ${bytes} bytes)`
  return [name, shown, file === undefined ? source : `${source} ${file}`]
}
