import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * The files below a folder of a project, seen from the project and sorted, but for what `.gitignore` leaves out. Git is not
 * asked: a project, and a package of it, may do without.
 */
export const projectFiles = (root: string): string[] => filesBelow(root, '', ['.git', 'node_modules']).sort()

const filesBelow = (root: string, folder: string, outer: readonly string[]): string[] => {
  const ignored = [...outer, ...ignoredIn(path.join(root, folder))]
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !ignored.some((pattern) => matches(name, pattern)))
    .flatMap((entry) => {
      const place = path.posix.join(folder, entry.name)
      if (entry.isDirectory()) return filesBelow(root, place, ignored)
      return entry.isFile() ? [place] : []
    })
}

/** Names alone, with stars in them: that is all our files say. */
const ignoredIn = (folder: string): string[] => {
  const file = path.join(folder, '.gitignore')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.map((line) => line.trim().replace(/\/$/, '')).filter((line) => line !== '' && !line.startsWith('#'))
}

const matches = (name: string, pattern: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`).test(name)

/** Whether `files` of a package.json lists a file; `!` takes out again, `!**` + `/name` at any depth. */
export const isPacked = (file: string, files: readonly string[]): boolean => {
  const excluded = files.filter((entry) => entry.startsWith('!')).map((entry) => entry.slice(1))
  return files.some((entry) => isWithin(file, entry)) && !excluded.some((entry) => isWithin(file, entry))
}

const isWithin = (file: string, entry: string): boolean => {
  if (entry.startsWith('**/')) return path.posix.basename(file) === entry.slice(3)
  return matches(file, entry) || file.startsWith(`${entry}/`)
}
