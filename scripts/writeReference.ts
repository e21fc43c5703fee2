// Writes docs/errors.md and docs/rest.md from the contract.
// With --check it writes nothing and exits 1 when either is stale.
import { referencePages } from './reference/pages.ts'
import { writePages } from './writePages.ts'

writePages(referencePages(), 'scripts/writeReference.ts')
