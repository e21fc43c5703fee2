// Installs the example pack in a copy of the project by its two lines, runs the laws and the pack's own tests there, takes the
// lines out again, and sees that nothing is left. Usage: node scripts/withPack.mjs
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const copy = mkdtempSync(path.join(tmpdir(), 'tsforge-pack-'))
const run = (command, ...args) => execFileSync(command, args, { cwd: copy, stdio: 'inherit' })
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

const edit = (file, ...changes) => {
  const place = path.join(copy, file)
  const before = readFileSync(place, 'utf8')
  const after = changes.reduce((text, [from, to]) => text.replace(from, to), before)
  if (after === before) throw new Error(`${file} is not as the pack's installation expects it`)
  writeFileSync(place, after)
}

/** The two lines, each with its import. */
const install = () => {
  edit(
    'contract/modules.ts',
    [/^/, "import { invoices } from '../examples/invoicing/contract.ts'\n"],
    ['modules = {}', 'modules = { invoices }'],
  )
  edit(
    'server/modules.ts',
    [/^/, "import { invoices } from '../examples/invoicing/module.ts'\n"],
    ['  flags,\n)', '  flags,\n  invoices,\n)'],
  )
}

const generated = ['contract/openapi.json', 'client-sdk/kinds.ts', 'docs/rest.md', 'docs/errors.md']
const textsOf = () => generated.map((file) => readFileSync(path.join(copy, file), 'utf8'))

try {
  copyProject()
  const [before, lines] = [
    textsOf(),
    ['contract/modules.ts', 'server/modules.ts'].map((file) => [file, readFileSync(path.join(copy, file))]),
  ]
  install()
  run('npm', 'run', '-s', 'generate')
  run('npx', 'tsc', '--noEmit')
  const laws =
    'architecture contract openapi eventsRecorded isolation isolationPolicies reference packedTypes migrateAtStart'
  run('npx', 'vitest', 'run', ...laws.split(' ').map((law) => `tests/${law}.test.ts`), 'examples/invoicing')
  for (const [file, text] of lines) writeFileSync(path.join(copy, file), text)
  run('npm', 'run', '-s', 'generate')
  run('npx', 'tsc', '--noEmit')
  const after = textsOf()
  const changed = generated.filter((_, index) => before[index] !== after[index])
  if (changed.length > 0) throw new Error(`the pack left something in ${changed.join(', ')}`)
  console.log('the pack was installed by its two lines, kept every law, and was removed without a trace')
} finally {
  rmSync(copy, { recursive: true, force: true })
}
