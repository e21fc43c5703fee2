import { spawn } from 'node:child_process'
import path from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import { childEnvironment } from '../../config.ts'
import { projectFolder } from '../../projectFolder.ts'
import { requireTools } from './sources.ts'

export interface Ran {
  readonly output: string
  /** What it could not do; null when all is well. */
  readonly complaint: string | null
}

/**
 * Runs a script of the project from the sources, in a process of its own: what it is made of is a tool of development and
 * no part of the bundle. Throws ForgeError where there are no sources, or no tools.
 */
export const runSource = async (script: string, args: readonly string[]): Promise<Ran> => {
  requireTools('tsx')
  const loader = path.join(projectFolder, 'node_modules/tsx/dist/loader.mjs')
  const child = spawn(process.execPath, ['--import', loader, path.join(projectFolder, script), ...args], {
    cwd: projectFolder,
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, complaint, status] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    new Promise((resolve, reject) => child.once('error', reject).once('close', resolve)),
  ])
  return { output: output.trimEnd(), complaint: status === 0 ? null : complaint.trim() || `it ended with ${status}` }
}
