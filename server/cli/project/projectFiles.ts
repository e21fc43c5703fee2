import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** A line of a `.gitignore`. */
interface Rule {
  /** Where it stands, seen from the project. */
  readonly folder: string
  readonly pattern: string
  /** Begins with `!`. */
  readonly isKept: boolean
}

const never = ['.git', 'node_modules'].map((pattern) => ({ folder: '', pattern, isKept: false }))

/**
 * The files below a folder of a project, seen from the project and sorted, but for what `.gitignore` leaves out. Git is not
 * asked: a project, and a package of it, may do without.
 */
export const projectFiles = (root: string): string[] => filesBelow(root, '', never).sort()

const filesBelow = (root: string, folder: string, outer: readonly Rule[]): string[] => {
  const rules = [...outer, ...rulesIn(root, folder)]
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const place = path.posix.join(folder, entry.name)
    if (isIgnored(place, rules)) return []
    if (entry.isDirectory()) return filesBelow(root, place, rules)
    return entry.isFile() ? [place] : []
  })
}

const rulesIn = (root: string, folder: string): Rule[] => {
  const file = path.join(root, folder, '.gitignore')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines
    .map((line) => line.trim().replace(/\/$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ folder, pattern: line.replace(/^!/, ''), isKept: line.startsWith('!') }))
}

const isIgnored = (place: string, rules: readonly Rule[]): boolean =>
  rules.findLast((rule) => isAbout(place, rule))?.isKept === false

/** A pattern with a slash in it is a way from where it stands, another a name at any depth. */
const isAbout = (place: string, { folder, pattern }: Rule): boolean =>
  pattern.includes('/')
    ? matches(path.posix.relative(folder, place), pattern.replace(/^\//, ''))
    : matches(path.posix.basename(place), pattern)

const wildcards: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' }

/** Whether a pattern of a `.gitignore` or a package.json stands for a path or a name. */
export const matches = (text: string, pattern: string): boolean =>
  new RegExp(
    `^${pattern.replaceAll(/\*\*\/|\*\*|[*?.+^${}()|[\]\\]/g, (sign) => wildcards[sign] ?? `\\${sign}`)}$`,
  ).test(text)
