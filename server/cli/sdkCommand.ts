import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { childEnvironment } from '../config.ts'
import { projectFolder } from '../projectFolder.ts'
import { version } from '../version.ts'
import { ForgeError, misused } from './forgeError.ts'
import { answer, example, jsonOption } from './output.ts'
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
      `${example('sdk build', 'sdk build --out ../web/vendor/client')}\n\nThen \`npm pack <folder>\` makes a tarball of it.`,
    )
    .action(({ out, json }: Options) => {
      const folder = path.resolve(out)
      requireReplaceable(folder)
      build(folder)
      answer(
        terminal,
        json,
        { folder, version },
        `${folder} has version ${version}: \`npm pack ${out}\` makes a tarball, \`npm install ${out}\` uses it as it is.`,
      )
    })
}

/** The folder is emptied, so it must be one that was made here, or none. */
const requireReplaceable = (folder: string): void => {
  if (!existsSync(folder) || existsSync(path.join(folder, 'index.d.ts'))) return
  throw new ForgeError(
    `Nothing was done: ${folder} is there and holds no client, and would be emptied; name another folder.`,
    misused,
  )
}

const build = (folder: string): void => {
  const script = path.join(projectFolder, 'scripts/packClient.ts')
  const loader = path.join(projectFolder, 'node_modules/tsx/dist/loader.mjs')
  if (!existsSync(script) || !existsSync(loader))
    throw new ForgeError(
      'The sources or their tools are not installed here: run this where the project is developed, after `npm ci`.',
    )
  const { status, stderr } = spawnSync(process.execPath, ['--import', loader, script, folder], {
    cwd: projectFolder,
    env: childEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status !== 0) throw new ForgeError(`The client was not built: ${stderr.trim() || `it ended with ${status}`}`)
}
