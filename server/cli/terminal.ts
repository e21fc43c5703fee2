import type { Readable } from 'node:stream'
import type { Config, Setting } from '../config.ts'
import { ForgeError, misused } from './forgeError.ts'

/** What a command may use of the process it runs in. */
export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean }
  /** Results. */
  readonly print: (text: string) => void
  /** Everything else. */
  readonly complain: (text: string) => void
  /** Says on a terminal what is being done, in a line that the next call overwrites; where nobody looks there is none. */
  readonly progress?: ((text: string) => void) | undefined
  readonly loadConfig: () => Config
  /** The variables as they are set, unchecked, secrets among them. */
  readonly loadSettings: () => readonly Setting[]
}

/** No password is that long, so a file piped in by mistake is not read to its end. */
const lineBytesMax = 4_096

/** The first line of standard input without its line break. Throws ForgeError when it cannot be a secret typed there. */
export const readSecretLine = async ({ input }: Terminal): Promise<string> => {
  if (input.isTTY) throw new ForgeError(visible, misused)
  const chunks: Buffer[] = []
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk))
    if (chunks.at(-1)?.includes('\n')) break
    if (chunks.reduce((sum, { length }) => sum + length, 0) > lineBytesMax) throw new ForgeError(tooLong, misused)
  }
  return textOf(Buffer.concat(chunks)).split(/\r?\n/, 1)[0] ?? ''
}

const textOf = (bytes: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ForgeError('The password on standard input is not UTF-8 text: convert it first.', misused)
  }
}

const visible =
  'Standard input is a terminal, where a password would be seen: pipe it in, or read it from a file with "< file".'
const tooLong = 'The first line of standard input is too long for a password: pipe in the password alone.'
