import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { codeOf, messageOf } from '../../db/causes.ts'
import { ForgeError, misused } from './forgeError.ts'
import { answer, example, jsonOption } from './output.ts'
import { linesOf, type Rotation, rotateKeys, type Step } from './rotateKeys.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly prepare?: true
  readonly usePrepared?: true
  readonly keep: string
  readonly out?: string
  readonly json?: true
}

const explanation = `
The secret that was made in DATA_DIR is replaced there; start the server again to take it on. JWT_SECRET and JWT_KEYS
are yours to set: the new lines are printed, or written to --out with mode 0600. What signed before keeps verifying, so
nobody is signed out and kept answers stay readable, until it is forgotten (--keep).

Of servers that are replaced one by one, those that are not yet would refuse what the new one signs. There rotate in two
steps: --prepare, set the lines on all servers, then --use-prepared, and set those.`

/** Adds `keys rotate` to the commands. */
export const addKeysCommands = (program: Command, terminal: Terminal): void => {
  program
    .command('keys')
    .description('what signs access tokens')
    .command('rotate')
    .description('sign with a new secret or key; the former ones keep verifying')
    .option('--prepare', 'add the new one, but let it only verify for now')
    .option('--use-prepared', 'sign with the first of those that verify, which --prepare puts there')
    .option('--keep <count>', 'how many that no longer sign stay', '3')
    .option('--out <file>', 'write the lines to this new file, for its owner alone, in place of printing them')
    .option(...jsonOption)
    .addHelpText('after', `${example('keys rotate', 'keys rotate --out new.env')}\n${explanation}`)
    .action(async ({ json, out, ...options }: Options) => {
      const asked = { step: stepOf(options), keep: countOf(options.keep) }
      const rotation = await rotateKeys(terminal.loadConfig(), terminal.loadSettings(), asked)
      if (rotation.kind === 'file') return answer(terminal, json, { ...rotation }, sentenceOf(rotation))
      if (out === undefined) {
        terminal.complain(`${toSet(rotation)}\n`)
        return terminal.print(json ? `${JSON.stringify(rotation)}\n` : linesOf(rotation.variables))
      }
      writeNew(out, linesOf(rotation.variables))
      const names = Object.keys(rotation.variables)
      answer(
        terminal,
        json,
        { kind: 'variables', written: out, names, verifying: rotation.verifying },
        `${out} has ${names.join(' and ')}. ${toSet(rotation)}`,
      )
    })
}

const stepOf = ({ prepare, usePrepared }: Pick<Options, 'prepare' | 'usePrepared'>): Step => {
  if (prepare && usePrepared)
    throw new ForgeError('Nothing was done: --prepare and --use-prepared are two steps, one a run.', misused)
  if (prepare) return 'prepare'
  return usePrepared ? 'use' : 'now'
}

const countOf = (text: string): number => {
  if (/^[1-9]\d?$/.test(text)) return Number(text)
  throw new ForgeError('Nothing was done: --keep is a number from 1 to 99.', misused)
}

/** A file that is there may hold other variables, so it is never written over. */
const writeNew = (file: string, text: string): void => {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const why = codeOf(error) === 'EEXIST' ? 'is there already' : `cannot be written (${messageOf(error)})`
    throw new ForgeError(`Nothing was done: ${file} ${why}; name another file.`)
  }
}

const verify = (count: number) => `${count} ${count === 1 ? 'other verifies' : 'others verify'}`

const sentenceOf = ({ file, verifying }: Extract<Rotation, { kind: 'file' }>) =>
  `${file} has a new order of secrets: the first signs, ${verify(verifying)}. Start the server again to take it on.`

const toSet = ({ verifying }: Rotation) =>
  `Set this on all servers and start them again: the first one signs, ${verify(verifying)}.`
