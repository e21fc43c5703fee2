import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { ForgeError, misused } from '../forgeError.ts'

/** The two halves of a module that could be listed. */
export interface Halves {
  readonly name: string
  /** Files, seen from the project. */
  readonly contract: string
  readonly module: string
}

/**
 * The halves of a module: those of a pack when a folder is named, else those of a feature of the project. Throws ForgeError,
 * which says what is missing, when one of them is not there or not as modules are.
 */
export const findHalves = (project: string, place: string): Halves => {
  const folder = path.relative(project, path.resolve(project, place)).replaceAll(path.sep, '/')
  const isFeature = /^[A-Za-z]\w*$/.test(place) && !isFolder(path.join(project, place))
  return isFeature ? featureOf(project, place) : packOf(project, folder)
}

const isFolder = (place: string) => existsSync(place) && statSync(place).isDirectory()

const featureOf = (project: string, name: string): Halves => {
  const halves = { name, contract: `contract/${name}.ts`, module: `server/features/${name}/module.ts` }
  requireFiles(project, halves)
  if (moduleIn(project, halves.module) !== name)
    throw new ForgeError(
      `Nothing was done: ${halves.module} defines another module than ${name}; they must be called alike.`,
    )
  requireContract(project, halves)
  return halves
}

/** Laws, compiler and image look for packs in examples/ alone. */
const packOf = (project: string, folder: string): Halves => {
  if (!/^examples\/[\w-]+$/.test(folder))
    throw new ForgeError(
      `Nothing was done: ${folder || '.'} is no folder in examples/ and no name of a feature: packs stand in examples/<name>, features in contract/<name>.ts and server/features/<name>/.`,
      misused,
    )
  const files = { contract: `${folder}/contract.ts`, module: `${folder}/module.ts` }
  requireFiles(project, files)
  const halves = { name: moduleIn(project, files.module), ...files }
  requireContract(project, halves)
  return halves
}

const requireFiles = (project: string, { contract, module }: Omit<Halves, 'name'>) => {
  const missing = [contract, module].filter((file) => !existsSync(path.join(project, file)))
  if (missing.length > 0)
    throw new ForgeError(
      `Nothing was done: a module has two halves, and ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not there. docs/modules.md says what stands in them.`,
    )
}

/** The name of the one module that a file defines. */
const moduleIn = (project: string, file: string): string => {
  const text = readFileSync(path.join(project, file), 'utf8')
  const found = [...text.matchAll(/^export const (\w+) = defineModule\(\{\s*name: '(\w+)'/gm)]
  const [, exported, name] = found[0] ?? []
  if (found.length === 1 && name !== undefined && exported === name) return name
  throw new ForgeError(
    `Nothing was done: ${file} does not say \`export const invoices = defineModule({ name: 'invoices', … })\` once, with the same name twice. List it by hand when it has to be otherwise.`,
  )
}

const requireContract = (project: string, { name, contract }: Halves) => {
  if (new RegExp(`^export const ${name}\\b`, 'm').test(readFileSync(path.join(project, contract), 'utf8'))) return
  throw new ForgeError(`Nothing was done: ${contract} exports no \`${name}\`, the other half of the module.`)
}
