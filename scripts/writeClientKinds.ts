// Writes client-sdk/kinds.ts from the contract: what the client must know at run time without carrying the contract.
import type { Contract, Entry } from '../contract/define.ts'
import { contract } from '../contract/index.ts'
import { writePages } from './writePages.ts'

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
    '/** Written by `npm run generate` from the contract. */',
    'export const kinds = {',
  ]
  for (const [feature, entries] of Object.entries(tree)) {
    lines.push(`  ${feature}: {`)
    for (const [name, entry] of Object.entries(entries)) lines.push(`    ${name}: ${describeEntry(entry)},`)
    lines.push('  },')
  }
  return [...lines, '} as const satisfies KindsOf<typeof contract>', ''].join('\n')
}

writePages([{ path: 'client-sdk/kinds.ts', text: render(contract) }])
