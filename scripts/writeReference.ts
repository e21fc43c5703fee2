// Writes docs/errors.md and docs/rest.md from the contract.
// With --check it writes nothing and exits 1 when either is stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { referencePages } from './reference/pages.ts'

const isCheck = process.argv.includes('--check')
for (const { path, text } of referencePages()) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
  if (!isCheck) {
    writeFileSync(file, text)
    console.log(`wrote ${path}`)
    continue
  }
  console.error(`${path} is stale: run npx tsx scripts/writeReference.ts`)
  process.exitCode = 1
}
