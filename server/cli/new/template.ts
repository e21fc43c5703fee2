import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { ForgeError } from '../forgeError.ts'
import { projectFiles } from '../project/projectFiles.ts'
import { type Manifest, projectLock, projectManifest } from './manifest.ts'
import { withoutCredentials } from './npmrc.ts'
import { isPacked } from './packed.ts'
import { projectReadme } from './readme.ts'
import { renaming } from './renaming.ts'

export interface NewFile {
  /** Its place in the new project, with slashes. */
  readonly path: string
  readonly contents: string | Buffer
  /** Its permissions, as `stat` has them. */
  readonly mode: number
}

export const readManifest = (root: string): Manifest =>
  JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))

/**
 * The files of a new project: those that `files` of the package.json lists, which is what a package of this project holds,
 * in the new name and without what speaks of this project alone.
 */
export const newProject = (root: string, name: string): NewFile[] => {
  const manifest = readManifest(root)
  const listed = (manifest.files ?? []).filter((entry) => !entry.startsWith('dist/'))
  const paths = [...projectFiles(root).filter((file) => isPacked(file, listed)), 'LICENSE']
  const all = [...paths, 'README.md', 'package.json', 'package-lock.json', '.gitignore', '.npmrc']
  const isThere = (place: string) => all.some((file) => file === place || file.startsWith(`${place}/`))
  const client: string = JSON.parse(textIn(root, 'client-sdk/package.json')).name
  const rename = renaming({ ...manifest, client }, name, isThere)
  return [
    ...paths.map((file) => copied(root, file, rename)),
    made('README.md', rename('README.md', projectReadme(textIn(root, 'README.md'), name))),
    made('package.json', projectManifest(manifest, name, isThere)),
    made('package-lock.json', projectLock(unpacked(root, 'package-lock.json'), name)),
    made('.gitignore', unpacked(root, '.gitignore')),
    made('.npmrc', withoutCredentials(unpacked(root, '.npmrc'))),
  ].sort((one, other) => (one.path < other.path ? -1 : 1))
}

const made = (file: string, contents: string): NewFile => ({ path: file, contents, mode: 0o644 })

const textIn = (root: string, file: string): string => readFileSync(path.join(root, file), 'utf8')

const copied = (root: string, file: string, rename: (file: string, text: string) => string): NewFile => {
  const contents = readFileSync(path.join(root, file))
  const { mode } = statSync(path.join(root, file))
  return { path: file, mode, contents: contents.includes(0) ? contents : rename(file, contents.toString('utf8')) }
}

/** npm packs no file of these names, so `npm run build` lays copies of them under others into dist/project. */
const unpacked = (root: string, name: string): string => {
  const places = [name, path.join('dist/project', name.replace(/^\./, ''))].map((place) => path.join(root, place))
  const place = places.find((file) => existsSync(file))
  if (place === undefined)
    throw new ForgeError(
      `Nothing was written: this package of the project lacks ${name}. Build it before packing: npm run build && npm pack.`,
    )
  return readFileSync(place, 'utf8')
}
