import { existsSync } from 'node:fs'
import path from 'node:path'
import { projectFolder } from '../../projectFolder.ts'
import { ForgeError } from '../forgeError.ts'

const isThere = (place: string) => existsSync(path.join(projectFolder, place))

/** Throws ForgeError where only bundles are, as in a container. */
export const requireSources = (): void => {
  if (isThere('contract/modules.ts') && isThere('README.md')) return
  throw new ForgeError('Nothing was done: the sources are not here. Run this where the project is developed.')
}

/** What changes the sources and tries them. */
const allTools = ['@biomejs/biome', 'typescript', 'tsx']

/** Throws ForgeError where there are no sources, or these packages are not beside them: installed, or before `npm ci`. */
export const requireTools = (...packages: readonly string[]): void => {
  requireSources()
  const needed = packages.length > 0 ? packages : allTools
  if (needed.every((name) => isThere(`node_modules/${name}`))) return
  throw new ForgeError(
    'Nothing was done: the tools of development are not installed here. Run this where the project is developed, after `npm ci`.',
  )
}
