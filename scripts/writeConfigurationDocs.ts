// Writes docs/configuration.md and .env.example from the table of variables.
// With --check it writes nothing and exits 1 when either is stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { renderConfigurationPage, renderEnvExample } from '../server/platform/configuration/documentation.ts'

const pages = [
  { path: 'docs/configuration.md', text: renderConfigurationPage() },
  { path: '.env.example', text: renderEnvExample() },
]

const isCheck = process.argv.includes('--check')
for (const { path, text } of pages) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
  if (!isCheck) {
    writeFileSync(file, text)
    console.log(`wrote ${path}`)
    continue
  }
  console.error(`${path} is stale: run npx tsx scripts/writeConfigurationDocs.ts`)
  process.exitCode = 1
}
