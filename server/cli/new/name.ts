import { builtinModules } from 'node:module'
import { ForgeError, misused } from '../forgeError.ts'

/** npm, Docker Compose, image names, logs and the issuer of tokens all take such a name. */
const fits = /^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/
const lengthMax = 64

/** Throws ForgeError for a name that a project cannot have; `packages` are those that it will depend on. */
export const requireProjectName = (name: string, packages: readonly string[]): void => {
  const reason = reasonAgainst(name, packages)
  if (reason !== undefined)
    throw new ForgeError(
      `Nothing was written: a project cannot be named ${JSON.stringify(name)}, since ${reason}. Choose another folder, or add --name my-api.`,
      misused,
    )
}

const reasonAgainst = (name: string, packages: readonly string[]): string | undefined => {
  if (name.length > lengthMax) return `it is longer than ${lengthMax} characters`
  if (!fits.test(name))
    return 'a name is lower-case letters and digits, with - or _ between them, beginning with a letter'
  if (name === 'node_modules') return 'npm keeps packages there'
  if (builtinModules.includes(name)) return 'a module of Node is called so'
  if (packages.includes(name)) return 'a package that it needs is called so, and npm installs no package into itself'
  return undefined
}
