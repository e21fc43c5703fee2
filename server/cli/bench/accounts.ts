import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { codeOf } from '../../../db/causes.ts'
import { ForgeError } from '../forgeError.ts'

/** As goforge writes it into its files of fixtures. */
export interface Account {
  readonly Email: string
  readonly Password: string
  /** An access token. */
  readonly Token: string
}

const fixtures = z.array(z.object({ Email: z.string(), Password: z.string(), Token: z.string() })).min(1)

/** The accounts of a file. Throws ForgeError when it has none. */
export const readFixtures = async (file: string): Promise<Account[]> => {
  try {
    return fixtures.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'is not there' : 'does not hold accounts'
    throw new ForgeError(`${file} ${why}: make it with bench --scenario register --fixtures ${file}.`)
  }
}

/** One account a line, for its owner alone: they sign in. Throws ForgeError when the file cannot be written. */
export const writeFixtures = async (file: string, accounts: readonly Account[]): Promise<void> => {
  try {
    await pipeline(Readable.from(linesOf(accounts)), createWriteStream(file, { mode: 0o600 }))
  } catch (error) {
    throw new ForgeError(`${file} cannot be written (${codeOf(error)}): name another file with --fixtures.`)
  }
}

function* linesOf(accounts: readonly Account[]): Generator<string> {
  yield '[\n'
  for (const [index, account] of accounts.entries()) yield `${index === 0 ? '' : ',\n'}${JSON.stringify(account)}`
  yield '\n]\n'
}
