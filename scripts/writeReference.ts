// Writes docs/errors.md and docs/rest.md from the contract.
import { referencePages } from './reference/pages.ts'
import { writePages } from './writePages.ts'

writePages(referencePages())
