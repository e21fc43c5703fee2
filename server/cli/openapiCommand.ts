import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { ForgeError, misused } from './forgeError.ts'
import { countOf, renderChangelog } from './openapi/changelog.ts'
import { compareDocuments } from './openapi/compareDocuments.ts'
import { type Part, readDocument, UnreadableDocument } from './openapi/document.ts'
import { answer, example, jsonOption } from './output.ts'
import { runSource } from './project/runSource.ts'
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
      const { output, complaint } = await runSource(writer, [file])
      if (complaint !== null) throw new ForgeError(complaint)
      answer(
        terminal,
        json,
        { file, written: output !== '' },
        output || `${file} is the document of the contract already.`,
      )
    })

  openapi
    .command('check')
    .description(`say whether ${committed} is the document of the contract, and valid`)
    .option(...fileOption)
    .option(...jsonOption)
    .addHelpText('after', example('openapi check'))
    .action(async ({ file, json }: WriterOptions) => {
      const { output, complaint } = await runSource(writer, ['--check', file])
      if (json || complaint === null) answer(terminal, json, { file, fits: complaint === null, complaint }, output)
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

const writer = 'scripts/writeOpenapi.ts'

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
