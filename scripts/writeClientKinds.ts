// Writes client-sdk/kinds.ts from the contract: what the client must know at run time without carrying the contract.
// With --check it writes nothing and exits 1 when the file is stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Contract, Entry } from '../contract/define.ts'
import { contract } from '../contract/index.ts'

const file = fileURLToPath(new URL('../client-sdk/kinds.ts', import.meta.url))

const describeEntry = (entry: Entry): string => {
  const facts = [`kind: '${entry.kind}'`]
  if (entry.access === 'public') facts.push('isPublic: true')
  if (entry.kind === 'mutation' && entry.idempotency === 'key') facts.push('isKeyed: true')
  if (entry.input?.safeParse({}).success) facts.push('isInputOptional: true')
  return `{ ${facts.join(', ')} }`
}

const render = (tree: Contract): string => {
  const lines = [
    "import type { contract } from '../contract/index.ts'",
    "import type { KindsOf } from './kind.ts'",
    '',
    '/** Written by `npx tsx scripts/writeClientKinds.ts` from the contract. */',
    'export const kinds = {',
  ]
  for (const [feature, entries] of Object.entries(tree)) {
    lines.push(`  ${feature}: {`)
    for (const [name, entry] of Object.entries(entries)) lines.push(`    ${name}: ${describeEntry(entry)},`)
    lines.push('  },')
  }
  return [...lines, '} as const satisfies KindsOf<typeof contract>', ''].join('\n')
}

const text = render(contract)
if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  if (process.argv.includes('--check')) {
    console.error('client-sdk/kinds.ts is stale: run npx tsx scripts/writeClientKinds.ts')
    process.exitCode = 1
  } else {
    writeFileSync(file, text)
    console.log('wrote client-sdk/kinds.ts')
  }
}
