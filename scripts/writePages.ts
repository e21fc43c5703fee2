import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Page {
  /** Its place in the project. */
  readonly path: string
  readonly text: string
}

/** Writes the pages that are not what they should be; with --check it writes none, and the process ends with 1. */
export const writePages = (pages: readonly Page[], script: string): void => {
  const isCheck = process.argv.includes('--check')
  for (const { path, text } of pages) {
    const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
    if (!isCheck) {
      writeFileSync(file, text)
      console.log(`wrote ${path}`)
      continue
    }
    console.error(`${path} is stale: run npx tsx ${script}`)
    process.exitCode = 1
  }
}
