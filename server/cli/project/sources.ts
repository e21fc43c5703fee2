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

/** Throws ForgeError where the sources cannot be changed and tried: in an installed package, or before `npm ci`. */
export const requireTools = (): void => {
  requireSources()
  if (isThere('node_modules/@biomejs/biome') && isThere('node_modules/typescript') && isThere('node_modules/tsx'))
    return
  throw new ForgeError(
    'Nothing was done: the tools of development are not installed here. Run this where the project is developed, after `npm ci`.',
  )
}
