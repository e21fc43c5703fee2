import { closeSync, existsSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ForgeError } from '../forgeError.ts'
import { makeFolder } from '../project/makeFolder.ts'
import type { NewFile } from './template.ts'

/** Throws ForgeError when a project cannot be put there without touching something that is somebody's. */
export const requireRoom = (folder: string, source: string): void => {
  if (isWithin(folder, source))
    throw new ForgeError(
      `Nothing was written: ${folder} lies in the project that is copied, whose tests would take it for their own. Name a folder beside it, as in ../my-api.`,
    )
  if (!existsSync(folder)) return
  if (!statSync(folder).isDirectory()) throw new ForgeError(`Nothing was written: ${folder} is a file; name a folder.`)
  if (readdirSync(folder).length > 0)
    throw new ForgeError(`Nothing was written: ${folder} is not empty, and nothing in it is overwritten; name another.`)
}

/** The project itself is within too; what stands beside it, or around it as around a package, is not. */
const isWithin = (folder: string, source: string): boolean => {
  const way = path.relative(source, folder)
  return way.split(path.sep, 1)[0] !== '..' && !path.isAbsolute(way)
}

/** Writes all files or none: what was written and made until something failed is taken away again. */
export const writeFiles = (folder: string, files: readonly NewFile[]): void => {
  const undo: (() => void)[] = []
  try {
    for (const file of files) {
      makeFolder(path.dirname(path.join(folder, file.path)), undo)
      writeFile(folder, file, undo)
    }
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw new ForgeError(
      `Nothing was left in ${folder}: ${(error as Error).message}. Try again when that is put right.`,
    )
  }
}

/** A file that is there stays; one that was made goes again, also when it is but begun, as on a full disk. */
const writeFile = (folder: string, { path: place, contents, mode }: NewFile, undo: (() => void)[]): void => {
  const file = path.join(folder, place)
  const opened = openSync(file, 'wx', mode)
  undo.push(() => rmSync(file))
  try {
    writeFileSync(opened, contents)
  } finally {
    closeSync(opened)
  }
}
