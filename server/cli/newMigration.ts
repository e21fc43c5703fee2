import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { childEnvironment } from '../config.ts'
import { projectFolder } from '../projectFolder.ts'
import { ForgeError, misused } from './forgeError.ts'
import { requireTools } from './project/sources.ts'

export interface NewMigration {
  /** What it is about: `invoices`. */
  readonly name: string
  /** A file for statements by hand, in place of what the schema lacks. */
  readonly isEmpty: boolean
  /** The project's folder; this one unless it says otherwise. */
  readonly project?: string
  /** Where the migrations are, below it. */
  readonly folder?: string
  /** Whether a person can answer what drizzle-kit asks: was a column renamed, or is it another one? */
  readonly isInteractive: boolean
}

/**
 * Writes the next migration from what the tables in the code have changed; returns its path, or undefined when nothing
 * has changed. Throws ForgeError with the words of drizzle-kit when it fails.
 */
export const newMigration = ({
  name,
  isEmpty,
  project = projectFolder,
  folder = 'db/migrations',
  isInteractive,
}: NewMigration): string | undefined => {
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) throw new ForgeError(badName, misused)
  requireTools('drizzle-kit')
  const program = path.join(project, 'node_modules/drizzle-kit/bin.cjs')
  const before = new Set(readdirSync(path.join(project, folder)))
  const options = [`--name=${name}`, '--dialect=postgresql', '--schema=./db/schema/index.ts', `--out=${folder}`]
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'generate', ...options, ...(isEmpty ? ['--custom'] : [])],
    {
      cwd: project,
      env: childEnvironment(),
      encoding: 'utf8',
      stdio: isInteractive ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    },
  )
  const made = readdirSync(path.join(project, folder)).find((file) => file.endsWith('.sql') && !before.has(file))
  if (made !== undefined) return path.join(folder, made)
  if (status === 0 && !/TTY|prompt/i.test(stderr ?? '')) return undefined
  throw new ForgeError(`drizzle-kit made no migration: ${(stderr || stdout || `it ended with ${status}`).trim()}`)
}

const badName =
  'Nothing was done: a name is lower-case letters, digits and _, beginning with a letter, as in add_invoices.'
