// Installs the example pack in a copy of the project by `forge module add`, runs the laws and the pack's own tests there, has
// `forge module remove` take it out again, and sees that nothing is left. Usage: node scripts/withPack.mjs
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const copy = mkdtempSync(path.join(tmpdir(), 'tsforge-pack-'))
const run = (command, ...args) => execFileSync(command, args, { cwd: copy, stdio: 'inherit' })
const forge = (...args) => run(process.execPath, 'scripts/forge.mjs', ...args)
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' })

const copyProject = () => {
  const files = git('ls-files', '-co', '--exclude-standard')
    .split('\n')
    .filter((file) => file !== '' && file !== 'node_modules')
  for (const file of new Set(files)) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true })
    cpSync(path.join(root, file), path.join(copy, file), { force: true })
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
  execFileSync('git', ['init', '-q'], { cwd: copy })
}

/** Every file of the copy, with what is in it; links, bundles and what belongs to Git are left out. */
const contents = () => {
  const entries = readdirSync(copy, { recursive: true, withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.relative(copy, path.join(parentPath, name)))
    .filter((name) => !name.startsWith('.git/') && !name.startsWith('dist/'))
  return new Map(names.map((name) => [name, readFileSync(path.join(copy, name), 'latin1')]))
}

const laws =
  'architecture contract openapi eventsRecorded isolation isolationPolicies reference packedTypes migrateAtStart'
const tests = [...laws.split(' ').map((law) => `tests/${law}.test.ts`), 'examples/invoicing/tests/invoices.test.ts']

/** Vitest passes over a name that no file has, so that all of them ran is seen in its report. */
const runTests = () => {
  const report = path.join(copy, '.git/tests.json')
  run('npx', 'vitest', 'run', ...tests, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`)
  const ran = JSON.parse(readFileSync(report, 'utf8')).testResults.map(({ name }) => path.relative(copy, name))
  const missing = tests.filter((test) => !ran.includes(test))
  if (missing.length > 0) throw new Error(`${missing.join(', ')} did not run: are they where this program looks?`)
}

try {
  copyProject()
  const before = contents()
  forge('module', 'add', 'examples/invoicing')
  if (!contents().get('contract/openapi.json').includes('/api/v1/invoices'))
    throw new Error('the pack is listed, but its routes are not in contract/openapi.json')
  runTests()
  forge('module', 'remove', 'invoices')
  const after = contents()
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.get(name) !== after.get(name),
  )
  if (changed.length > 0) throw new Error(`the pack left something in ${changed.join(', ')}`)
  console.log('the pack was installed by module add, kept every law, and was removed without a trace')
} finally {
  rmSync(copy, { recursive: true, force: true })
}
