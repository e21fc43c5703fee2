import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import path from 'node:path'

/** Makes a folder, and those around it that are not there; `undo` is given what takes each of them away again. */
export const makeFolder = (folder: string, undo: (() => void)[]): void => {
  if (existsSync(folder)) return
  makeFolder(path.dirname(folder), undo)
  mkdirSync(folder)
  undo.push(() => rmdirSync(folder))
}
