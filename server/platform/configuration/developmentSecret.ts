import { randomBytes } from 'node:crypto'
import { constants, copyFileSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError, errorCode } from './problems.ts'
import { signingSecret } from './valueTypes.ts'

const secretsFile = z.object({ jwtSecret: signingSecret })

/**
 * The signing secret of a machine without configuration: made on first use in `<dataDir>/secrets.json` (mode 0600)
 * and read from there ever after, so that tokens survive a restart. Two processes that start at once get the same one.
 * Throws ConfigError when the directory cannot be written or the file is damaged.
 */
export function developmentSecret(dataDir: string): string {
  const path = join(dataDir, 'secrets.json')
  try {
    return readSecret(path) ?? createSecret(dataDir, path)
  } catch (error) {
    const found = `${path}: ${errorCode(error) || 'damaged'}`
    const fix = `set JWT_SECRET; or make ${dataDir} writable and delete a damaged file (this ends all sessions)`
    throw new ConfigError([{ name: 'JWT_SECRET', expected: 'a usable file of development secrets', found, fix }])
  }
}

function readSecret(path: string): string | undefined {
  try {
    return secretsFile.parse(JSON.parse(readFileSync(path, 'utf8'))).jwtSecret
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Written aside and linked into place: whoever comes second finds a complete file, never an empty one. */
function createSecret(dataDir: string, path: string): string {
  mkdirSync(dataDir, { recursive: true })
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, `${JSON.stringify({ jwtSecret: randomBytes(48).toString('base64url') })}\n`, { mode: 0o600 })
    placeUnlessPresent(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  return secretsFile.parse(JSON.parse(readFileSync(path, 'utf8'))).jwtSecret
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
