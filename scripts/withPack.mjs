// Installs the example pack in a copy of the project by `forge module add`, runs the laws and the pack's own tests there, has
// `forge module remove` take it out again, and sees that nothing is left. Usage: node scripts/withPack.mjs
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { copyProject, differences } from './projectCopy.mjs'

const copy = copyProject('pack')

const laws =
  'architecture contract openapi eventsRecorded isolation isolationPolicies reference docs packedTypes migrateAtStart'
const tests = [...laws.split(' ').map((law) => `tests/${law}.test.ts`), 'examples/invoicing/tests/invoices.test.ts']

/** Vitest passes over a name that no file has, so that all of them ran is seen in its report. */
const runTests = () => {
  const report = path.join(copy.folder, '.git/tests.json')
  copy.run('npx', 'vitest', 'run', ...tests, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`)
  const ran = JSON.parse(readFileSync(report, 'utf8')).testResults.map(({ name }) => path.relative(copy.folder, name))
  const missing = tests.filter((test) => !ran.includes(test))
  if (missing.length > 0) throw new Error(`${missing.join(', ')} did not run: are they where this program looks?`)
}

try {
  const before = copy.contents()
  copy.forge('module', 'add', 'examples/invoicing')
  if (!copy.contents().get('contract/openapi.json').includes('/api/v1/invoices'))
    throw new Error('the pack is listed, but its routes are not in contract/openapi.json')
  runTests()
  copy.forge('module', 'remove', 'invoices')
  const changed = differences(before, copy.contents())
  if (changed.length > 0) throw new Error(`the pack left something in ${changed.join(', ')}`)
  console.log('the pack was installed by module add, kept every law, and was removed without a trace')
} finally {
  copy.remove()
}
