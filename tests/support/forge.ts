import { Readable } from 'node:stream'
import { runForge } from '../../server/cli/forge.ts'
import { type Environment, loadConfig, loadSettings } from '../../server/config.ts'
import type { TestDatabase } from './database.ts'

export interface Typing {
  /** Standard input; empty unless it says otherwise. */
  readonly typed?: string | Buffer
  readonly isTTY?: boolean
  /** Where a `.env` would be; one that is not there unless it says otherwise. */
  readonly directory?: string
  /** Hears what is said on standard error as it is said. */
  readonly onComplaint?: (text: string) => void
}

export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Variables by which commands find a database of a test, and need no file. */
export const variablesOf = ({ ownerUrl, appUrl, gateUrl }: Omit<TestDatabase, 'drop'>): Environment => ({
  NODE_ENV: 'test',
  DATABASE_URL: appUrl,
  DATABASE_GATE_URL: gateUrl,
  DATABASE_MIGRATE_URL: ownerUrl,
  MIGRATE_ON_START: 'false',
  JWT_SECRET: 'a signing secret for tests, 32 bytes or more',
})

/** Runs a command in this process, as it would run with these variables and no terminal. */
export const forge = async (
  args: readonly string[],
  environment: Environment,
  { typed = '', isTTY, directory = '/nowhere', onComplaint }: Typing = {},
): Promise<Said> => {
  const [printed, complained]: [string[], string[]] = [[], []]
  const code = await runForge(args, {
    input: Object.assign(Readable.from(typed === '' ? [] : [Buffer.from(typed)]), isTTY === undefined ? {} : { isTTY }),
    print: (text) => void printed.push(text),
    complain(text) {
      complained.push(text)
      onComplaint?.(text)
    },
    loadConfig: () => loadConfig(environment, directory),
    loadSettings: () => loadSettings(environment, directory),
  })
  return { code, out: printed.join(''), err: complained.join('') }
}
