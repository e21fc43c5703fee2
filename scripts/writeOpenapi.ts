// Writes contract/openapi.json, the OpenAPI document of the contract.
// With --check it writes nothing and exits 1 when the file is stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { contract } from '../contract/index.ts'
import manifest from '../package.json' with { type: 'json' }
import { documentInfo } from '../server/rpc/document/info.ts'
import { createDocument } from '../server/rpc/document.ts'

const path = 'contract/openapi.json'
const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
const text = `${JSON.stringify(createDocument(contract, documentInfo(manifest.version)), null, 2)}\n`

if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  if (process.argv.includes('--check')) {
    console.error(`${path} is stale: run npx tsx scripts/writeOpenapi.ts`)
    process.exitCode = 1
  } else {
    writeFileSync(file, text)
    console.log(`wrote ${path}`)
  }
}
