import { matches } from '../project/projectFiles.ts'

/** Whether `files` of a package.json lists a file: the last entry about it decides, as npm has it, and `!` takes out. */
export const isPacked = (file: string, files: readonly string[]): boolean => {
  const last = files.findLast((entry) => isWithin(file, entry.replace(/^!/, '')))
  return last !== undefined && !last.startsWith('!')
}

const isWithin = (file: string, entry: string): boolean => matches(file, entry) || matches(file, `${entry}/**`)
