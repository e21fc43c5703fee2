import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Page {
  /** Its place in the project. */
  readonly path: string
  readonly text: string
}

/** Writes the pages that are not what they should be. */
export const writePages = (pages: readonly Page[]): void => {
  for (const { path, text } of pages) {
    const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
    writeFileSync(file, text)
    console.log(`wrote ${path}`)
  }
}
