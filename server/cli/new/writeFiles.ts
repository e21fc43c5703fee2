import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ForgeError } from '../forgeError.ts'
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

/** A package in node_modules is no project that somebody works in: what stands around it is. */
const isWithin = (folder: string, source: string): boolean => {
  const way = path.relative(source, folder)
  return way.split(path.sep, 1)[0] !== '..' && !path.isAbsolute(way)
}

/** Writes all files or none: what was written and made until something failed is taken away again. */
export const writeFiles = (folder: string, files: readonly NewFile[]): void => {
  const undo: (() => void)[] = []
  try {
    for (const { path: place, contents, mode } of files) {
      const file = path.join(folder, place)
      makeFolder(path.dirname(file), undo)
      writeFileSync(file, contents, { mode, flag: 'wx' })
      undo.push(() => rmSync(file))
    }
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw new ForgeError(
      `Nothing was left in ${folder}: ${(error as Error).message}. Try again when that is put right.`,
    )
  }
}

const makeFolder = (folder: string, undo: (() => void)[]): void => {
  if (existsSync(folder)) return
  makeFolder(path.dirname(folder), undo)
  mkdirSync(folder)
  undo.push(() => rmdirSync(folder))
}
