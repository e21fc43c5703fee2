import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { version } from '../version.ts'
import { ForgeError, misused } from './forgeError.ts'
import { answer, example, jsonOption } from './output.ts'
import { runSource } from './project/runSource.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly out: string
  readonly json?: true
}

/** Adds `sdk build` to the commands. */
export const addSdkCommands = (program: Command, terminal: Terminal): void => {
  program
    .command('sdk')
    .description('the client for front ends')
    .command('build')
    .description('make the package of the client, typed by the contract as it is now')
    .option('--out <folder>', 'where; the folder is replaced', 'dist/client')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `${example('sdk build', 'sdk build --out ../web/vendor/client')}\n\nThen \`npm pack ./<folder>\` makes a tarball of it.`,
    )
    .action(async ({ out, json }: Options) => {
      const folder = path.resolve(out)
      requireReplaceable(folder)
      await build(folder)
      const named = asFolder(out)
      answer(
        terminal,
        json,
        { folder, version },
        `${folder} has version ${version}: \`npm pack ${named}\` makes a tarball, \`npm install ${named}\` uses it as it is.`,
      )
    })
}

/** npm takes `dist/client` for a repository on GitHub. */
const asFolder = (out: string): string => (path.isAbsolute(out) || out.startsWith('.') ? out : `./${out}`)

/** The folder is emptied, so it must be one that was made here, or none. */
const requireReplaceable = (folder: string): void => {
  if (!existsSync(folder) || existsSync(path.join(folder, 'index.d.ts'))) return
  throw new ForgeError(
    `Nothing was done: ${folder} is there and holds no client, and would be emptied; name another folder.`,
    misused,
  )
}

const build = async (folder: string): Promise<void> => {
  const { complaint } = await runSource('scripts/packClient.ts', [folder])
  if (complaint !== null) throw new ForgeError(`The client was not built: ${complaint}`)
}
