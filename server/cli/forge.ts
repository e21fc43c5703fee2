import { Command, CommanderError } from 'commander'
import { explainStartFailure } from '../platform/startFailure.ts'
import { name, version } from '../version.ts'
import { addAdminCommands } from './adminCommand.ts'
import { addBenchCommand } from './benchCommand.ts'
import { addConfigCommand } from './configCommand.ts'
import { addDoctorCommand } from './doctorCommand.ts'
import { addEventsCommands } from './eventsCommand.ts'
import { addFlagsCommands } from './flagsCommand.ts'
import { ForgeError, failed, misused } from './forgeError.ts'
import { addGenCommands } from './genCommand.ts'
import { addKeysCommands } from './keysCommand.ts'
import { addMigrateCommands } from './migrateCommand.ts'
import { addModuleCommands } from './moduleCommand.ts'
import { addNewCommand } from './newCommand.ts'
import { addOpenapiCommands } from './openapiCommand.ts'
import { addReplCommand } from './replCommand.ts'
import { addRoutesCommand } from './routesCommand.ts'
import { addSdkCommands } from './sdkCommand.ts'
import { addSeedCommand } from './seedCommand.ts'
import { addStatusCommand } from './statusCommand.ts'
import type { Terminal } from './terminal.ts'
import { addVersionCommand } from './versionCommand.ts'

/** Runs one command; resolves to the exit code: 0 done, 1 failed, 2 misused. Says what went wrong in one sentence. */
export const runForge = async (args: readonly string[], terminal: Terminal): Promise<number> => {
  try {
    await createProgram(terminal).parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    // Commander has said it already; asked-for help ends with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : misused
    const isOurs = error instanceof ForgeError
    terminal.complain(`${isOurs ? error.message : explainStartFailure(error, 'forge failed')}\n`)
    return isOurs ? error.exitCode : failed
  }
}

/** All commands; parsing rejects with a CommanderError in place of ending the process. */
export const createProgram = (terminal: Terminal): Command => {
  const program = new Command('npm run forge --')
    .description(`The command line of ${name}. It works on the database that the server of this folder would use.`)
    .version(version, '--version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: terminal.print, writeErr: terminal.complain })
    .showHelpAfterError('(--help shows the options and an example)')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 not understood.')
  addAdminCommands(program, terminal)
  addEventsCommands(program, terminal)
  addFlagsCommands(program, terminal)
  addOpenapiCommands(program, terminal)
  addBenchCommand(program, terminal)
  addConfigCommand(program, terminal)
  addDoctorCommand(program, terminal)
  addGenCommands(program, terminal)
  addKeysCommands(program, terminal)
  addMigrateCommands(program, terminal)
  addModuleCommands(program, terminal)
  addNewCommand(program, terminal)
  addReplCommand(program, terminal)
  addRoutesCommand(program, terminal)
  addSdkCommands(program, terminal)
  addSeedCommand(program, terminal)
  addStatusCommand(program, terminal)
  addVersionCommand(program, terminal)
  return program
}
