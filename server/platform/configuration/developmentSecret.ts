import { randomBytes } from 'node:crypto'
import { constants, copyFileSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError, errorCode } from './problems.ts'
import { signingSecret } from './valueTypes.ts'

const secretsFile = z.object({ jwtSecret: signingSecret, previousSecrets: z.array(signingSecret).default([]) })

/** The first one signs; the others verify, and open what was sealed under them. */
export type SigningSecrets = readonly [newest: string, ...previous: string[]]

/** Where the secrets of a machine without configuration are. */
export const secretsFileIn = (dataDir: string): string => join(dataDir, 'secrets.json')

/** The newest of `developmentSecrets`. */
export function developmentSecret(dataDir: string): string {
  return developmentSecrets(dataDir)[0]
}

/**
 * The signing secrets of a machine without configuration: made on first use in `<dataDir>/secrets.json` (mode 0600)
 * and read from there ever after, so that tokens survive a restart; rotations put newer ones before it. Two processes that start at once get the same one.
 * Throws ConfigError when the directory cannot be written or the file is damaged.
 */
export function developmentSecrets(dataDir: string): SigningSecrets {
  const path = secretsFileIn(dataDir)
  try {
    return readSecrets(path) ?? createSecret(dataDir, path)
  } catch (error) {
    const found = `${path}: ${errorCode(error) || 'damaged'}`
    const fix = `set JWT_SECRET; or make ${dataDir} writable and delete a damaged file (this ends all sessions)`
    throw new ConfigError([{ name: 'JWT_SECRET', expected: 'a usable file of development secrets', found, fix }])
  }
}

function readSecrets(path: string): SigningSecrets | undefined {
  try {
    return parseSecrets(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function parseSecrets(path: string): SigningSecrets {
  const { jwtSecret, previousSecrets } = secretsFile.parse(JSON.parse(readFileSync(path, 'utf8')))
  return [jwtSecret, ...previousSecrets]
}

export const newSigningSecret = (): string => randomBytes(48).toString('base64url')

/**
 * Replaces the secrets of `<dataDir>/secrets.json` by what `change` makes of them, and returns those. A server takes them
 * on when it is started again; callers keep each other out. Throws as `developmentSecrets` does.
 */
export function writeDevelopmentSecrets(
  dataDir: string,
  change: (secrets: SigningSecrets) => readonly string[],
): SigningSecrets {
  const [jwtSecret, ...previousSecrets] = change(developmentSecrets(dataDir))
  const path = secretsFileIn(dataDir)
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, `${JSON.stringify({ jwtSecret, previousSecrets })}\n`, { mode: 0o600 })
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  return parseSecrets(path)
}

/** Written aside and linked into place: whoever comes second finds a complete file, never an empty one. */
function createSecret(dataDir: string, path: string): SigningSecrets {
  mkdirSync(dataDir, { recursive: true })
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, `${JSON.stringify({ jwtSecret: newSigningSecret() })}\n`, { mode: 0o600 })
    placeUnlessPresent(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  return parseSecrets(path)
}

function placeUnlessPresent(draft: string, path: string): void {
  try {
    linkSync(draft, path)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return
    copyUnlessPresent(draft, path)
  }
}

/** For file systems without hard links. */
function copyUnlessPresent(draft: string, path: string): void {
  try {
    copyFileSync(draft, path, constants.COPYFILE_EXCL)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}
