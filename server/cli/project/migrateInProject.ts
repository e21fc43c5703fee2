import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { ForgeError } from '../forgeError.ts'

/**
 * Applies what is pending, in a program of its own: this one is made of the modules that were there before. Returns what
 * it said. Throws ForgeError when the database cannot be migrated; the files stay.
 */
export const migrateInProject = (project: string): string => {
  const program = path.join(project, 'scripts/forge.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'migrate', 'up'], {
    cwd: project,
    encoding: 'utf8',
  })
  if (status === 0) return stdout.trim()
  throw new ForgeError(
    `Everything is written, but the database was not migrated: ${stderr.trim()} When that is put right: npm run forge -- migrate up`,
  )
}
