import { closeSync, createWriteStream, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { codeOf } from '../../../db/causes.ts'
import { ForgeError, misused } from '../forgeError.ts'

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

/**
 * Makes the file, lest accounts be registered that cannot be kept; for its owner alone, since whoever reads it signs in.
 * Throws ForgeError when it cannot be written.
 */
export const claimFixtures = (file: string): void => {
  try {
    closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    throw new ForgeError(`${file} cannot be written (${codeOf(error)}): name another file with --fixtures.`, misused)
  }
}

/** One account a line. */
export const writeFixtures = (file: string, accounts: readonly Account[]): Promise<void> =>
  pipeline(Readable.from(linesOf(accounts)), createWriteStream(file))

function* linesOf(accounts: readonly Account[]): Generator<string> {
  yield '[\n'
  for (const [index, account] of accounts.entries()) yield `${index === 0 ? '' : ',\n'}${JSON.stringify(account)}`
  yield '\n]\n'
}
