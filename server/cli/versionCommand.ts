import type { Command } from 'commander'
import { version } from '../version.ts'
import { answer, example, jsonOption } from './output.ts'
import type { Terminal } from './terminal.ts'

/** Adds `version` to the commands. */
export const addVersionCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('version')
    .description('print the version')
    .option(...jsonOption)
    .addHelpText('after', example('version --json'))
    .action(({ json }: { readonly json?: true }) =>
      answer(terminal, json, { version, node: process.versions.node }, version),
    )
}
