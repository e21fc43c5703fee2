import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import type { Command } from 'commander'
import { childEnvironment } from '../config.ts'
import { projectFolder } from '../projectFolder.ts'
import { ForgeError, misused } from './forgeError.ts'
import { countOf, renderChangelog } from './openapi/changelog.ts'
import { compareDocuments } from './openapi/compareDocuments.ts'
import { type Part, readDocument, UnreadableDocument } from './openapi/document.ts'
import { answer, example, jsonOption } from './output.ts'
import type { Terminal } from './terminal.ts'

interface WriterOptions {
  readonly file: string
  readonly json?: true
}

interface DiffOptions {
  readonly against: string
  readonly json?: true
}

const committed = 'contract/openapi.json'

/** Adds `openapi write`, `openapi check` and `openapi diff` to the commands. */
export const addOpenapiCommands = (program: Command, terminal: Terminal): void => {
  const openapi = program.command('openapi').description('the OpenAPI document of the contract')
  const fileOption = ['--file <path>', 'the file, seen from the project', committed] as const

  openapi
    .command('write')
    .description(`write ${committed} from the contract`)
    .option(...fileOption)
    .option(...jsonOption)
    .addHelpText('after', example('openapi write'))
    .action(async ({ file, json }: WriterOptions) => {
      const { text, complaint } = await runWriter([file])
      if (complaint !== null) throw new ForgeError(complaint)
      answer(terminal, json, { file, written: text !== '' }, text || `${file} is the document of the contract already.`)
    })

  openapi
    .command('check')
    .description(`say whether ${committed} is the document of the contract, and valid`)
    .option(...fileOption)
    .option(...jsonOption)
    .addHelpText('after', example('openapi check'))
    .action(async ({ file, json }: WriterOptions) => {
      const { text, complaint } = await runWriter(['--check', file])
      if (json || complaint === null) answer(terminal, json, { file, fits: complaint === null, complaint }, text)
      if (complaint !== null) throw new ForgeError(complaint)
    })

  openapi
    .command('diff')
    .description('tell every change from a released document, and which of them break callers (exit code 1)')
    .argument('<released>', 'the released document, a JSON file')
    .option('--against <file>', 'the document that is to follow it', committed)
    .option(...jsonOption)
    .addHelpText('after', example('openapi diff released.json'))
    .action((released: string, options: DiffOptions) => diff(terminal, released, options))
}

const writer = path.join(projectFolder, 'scripts/writeOpenapi.ts')
const loader = path.join(projectFolder, 'node_modules/tsx/dist/loader.mjs')

interface Written {
  readonly text: string
  /** What it could not do; null when all is well. */
  readonly complaint: string | null
}

/** The generator is a tool of development and no part of the bundle, so a process of its own runs it from the sources. */
const runWriter = async (args: readonly string[]): Promise<Written> => {
  if (!existsSync(writer) || !existsSync(loader))
    throw new ForgeError(
      'Nothing was done: the document is made from the sources. Run this where the project is developed, after `npm ci`.',
    )
  const child = spawn(process.execPath, ['--import', loader, writer, ...args], {
    cwd: projectFolder,
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [text, complaint, status] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    new Promise((resolve, reject) => child.once('error', reject).once('close', resolve)),
  ])
  return { text: text.trimEnd(), complaint: status === 0 ? null : complaint.trimEnd() || `it ended with ${status}` }
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
