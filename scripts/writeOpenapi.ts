// Writes contract/openapi.json, the OpenAPI document of the contract, or the file that is named.
// With --check it writes nothing and exits 1 when the file is stale or the document not valid OpenAPI 3.1.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { contract } from '../contract/index.ts'
import manifest from '../package.json' with { type: 'json' }
import { documentInfo } from '../server/rpc/document/info.ts'
import { createDocument } from '../server/rpc/document.ts'

const [named] = process.argv.slice(2).filter((word) => word !== '--check')
const file = path.resolve(import.meta.dirname, '..', named ?? 'contract/openapi.json')
const shown = named ?? 'contract/openapi.json'
const mend = `npm run forge -- openapi write${named ? ` --file ${named}` : ''}`

const document = createDocument(contract, documentInfo(manifest.version))
const text = `${JSON.stringify(document, null, 2)}\n`
const { valid, errors } = await new Validator().validate(structuredClone(document) as Record<string, unknown>)
const isFresh = existsSync(file) && readFileSync(file, 'utf8') === text

if (!valid) {
  console.error(`The contract makes a document that is not OpenAPI 3.1, so ${shown} was left as it is:`)
  console.error(`${JSON.stringify(errors, null, 2)}\nMend the schemas in contract/ that these places come from.`)
  process.exitCode = 1
} else if (process.argv.includes('--check')) {
  if (isFresh) console.log(`${shown} is the document of the contract, and valid.`)
  else console.error(`${shown} is stale: run ${mend}`)
  if (!isFresh) process.exitCode = 1
} else if (!isFresh) {
  writeFileSync(file, text)
  console.log(`wrote ${shown}`)
}
