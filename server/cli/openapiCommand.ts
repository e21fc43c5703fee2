import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { ForgeError, failed, misused } from './forgeError.ts'
import { countOf, renderChangelog } from './openapi/changelog.ts'
import { compareDocuments } from './openapi/compareDocuments.ts'
import { type Part, readDocument, UnreadableDocument } from './openapi/document.ts'
import type { Terminal } from './terminal.ts'

interface DiffOptions {
  readonly against: string
  readonly json?: true
}

const committed = 'contract/openapi.json'

/** Adds `openapi write`, `openapi check` and `openapi diff` to the commands. */
export const addOpenapiCommands = (program: Command, terminal: Terminal): void => {
  const openapi = program.command('openapi').description('the OpenAPI document of the contract')
  const fileOption = ['--file <path>', `the file, seen from the project; ${committed} when left out`] as const

  openapi
    .command('write')
    .description(`write ${committed} from the contract`)
    .option(...fileOption)
    .addHelpText('after', example('openapi write'))
    .action(({ file }: { file?: string }) => runWriter(terminal, file ? [file] : []))

  openapi
    .command('check')
    .description(`say whether ${committed} is the document of the contract, and valid`)
    .option(...fileOption)
    .addHelpText('after', example('openapi check'))
    .action(({ file }: { file?: string }) => runWriter(terminal, ['--check', ...(file ? [file] : [])]))

  openapi
    .command('diff')
    .description('tell every change from a released document, and which of them break callers (exit code 1)')
    .argument('<released>', 'the released document, a JSON file')
    .option('--against <file>', 'the document that is to follow it', committed)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', example('openapi diff released.json'))
    .action((released: string, options: DiffOptions) => diff(terminal, released, options))
}

const example = (command: string) => `\nExample:\n  npm run forge -- ${command}`

const writer = 'scripts/writeOpenapi.ts'

/** The generator is a tool of development and no part of the bundle, so a process of its own runs it from the sources. */
const runWriter = async (terminal: Terminal, args: readonly string[]): Promise<void> => {
  if (!existsSync(writer) || !existsSync('node_modules/tsx'))
    throw new ForgeError(
      'Nothing was done: the document is made from the sources. Run this in the folder of the project, after npm ci.',
    )
  const child = spawn(process.execPath, ['--import', 'tsx', writer, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.on('data', (chunk) => terminal.print(String(chunk)))
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new ForgeError(complaint.trimEnd(), failed)
}

const diff = async (terminal: Terminal, released: string, { against, json }: DiffOptions): Promise<void> => {
  const [older, newer] = await Promise.all([documentIn(released), documentIn(against)])
  const changes = compareDocuments(older, newer)
  const counts = countOf(changes)
  terminal.print(json ? `${JSON.stringify({ ...counts, changes })}\n` : renderChangelog(changes))
  if (counts.breaking > 0)
    throw new ForgeError(
      `${counts.breaking} breaking ${counts.breaking === 1 ? 'change' : 'changes'} since ${released}: take them back, or release a new major version.`,
    )
}

const documentIn = async (file: string): Promise<Part> => {
  try {
    return readDocument(await readFile(file, 'utf8'))
  } catch (error) {
    if (error instanceof UnreadableDocument)
      throw new ForgeError(`Nothing was compared: ${file} cannot be used, since ${error.message}.`, misused)
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new ForgeError(`Nothing was compared: ${file} cannot be read (${code}); check the path.`, misused)
  }
}
