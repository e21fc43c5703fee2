// Has the generators write five resources and a module, one after the other, in a copy of the project, and runs types, linter,
// their tests and the laws there; with --full the whole suite, with --quick for two of them what takes no walk through all
// entries. Usage: node scripts/testGenerators.mjs [--quick | --full]
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { copyProject, differences } from './projectCopy.mjs'

const isFull = process.argv.includes('--full')
const isQuick = process.argv.includes('--quick')
const copy = copyProject('generators')

const invoice = [
  ...[
    'invoice',
    'number:string:unique',
    'total:money',
    'customer:ref(users)',
    'status:enum(draft,sent,paid)',
    'due:date?',
  ],
  '--tenant',
]
/** One of tenants, one of all, one that refers to both, one of every type of field, one with a name of one letter. */
const resources = [
  invoice,
  ['currency', 'code:string:unique', 'rate:number'],
  ['order-line', 'invoice:ref(invoices)', 'currency:ref(currencies)?', 'quantity:int', '--tenant'],
  [
    ...['specimen', '--plural', 'specimens', '--tenant'],
    ...['name:string', 'note:text?', 'count:int:unique', 'weight:number?', 'price:money?', 'is-good:bool', 'born:date'],
    ...[
      'seen:datetime',
      'heard:datetime?',
      'mail:email:unique',
      'page:url',
      'kind:enum(a,b)?',
      'extra:json',
      'more:json?',
    ],
    ...['owner:ref(users)?', 'call:int?', 'from:date', 'order:string?'],
  ],
  ['x', 'y:string'],
]
const chosen = isQuick ? resources.slice(0, 2) : resources
const own = [...['invoices', 'currencies', 'orderLines', 'specimens', 'xes'].slice(0, chosen.length), 'billing']
const quickLaws = 'architecture contract openapi modules reference eventsRecorded isolationPolicies'
const laws = isQuick ? quickLaws : `${quickLaws} isolation packedTypes typeBudget forgeMigrate docs`

/** Vitest passes over a name that no file has. */
const testFiles = [...own, ...laws.split(' ')].map((name) => `tests/${name}.test.ts`)

const refuse = (...args) => {
  const before = copy.contents()
  const { status, stderr } = spawnSync(process.execPath, ['scripts/forge.mjs', ...args], {
    cwd: copy.folder,
    encoding: 'utf8',
  })
  const changed = differences(before, copy.contents())
  if (status === 0 || changed.length > 0)
    throw new Error(`forge ${args.join(' ')} ended with ${status} and changed ${changed.join(', ') || 'nothing'}`)
  return stderr
}

const expectSaid = (stderr, text) => {
  if (!stderr.includes(text)) throw new Error(`"${text}" was not said, but: ${stderr}`)
}

try {
  for (const fields of chosen) copy.forge('gen', 'resource', ...fields, '--no-tests')
  copy.forge('gen', 'module', 'billing', '--no-tests')

  expectSaid(refuse('gen', 'resource', ...invoice), '--force writes anew')
  const before = copy.contents()
  copy.forge('gen', 'resource', ...invoice, '--force', '--no-tests')
  const changed = differences(before, copy.contents())
  if (changed.length > 0) throw new Error(`written anew, the same resource differs in ${changed.join(', ')}`)

  copy.forge('gen', 'resource', ...invoice, 'memo:text?', '--force', '--no-tests')
  const added = differences(before, copy.contents()).filter((file) => file.endsWith('_invoices.sql'))
  if (added.length !== 1 || !copy.contents().get(added[0]).includes('ADD COLUMN "memo" text'))
    throw new Error(`a field more is in ${added.join(', ') || 'no migration'}`)

  // What fails half-way leaves nothing: here the check of types, behind the migration and all generated pages.
  const broken = path.join(copy.folder, 'server/broken.ts')
  writeFileSync(broken, "export const broken: number = 'a text'\n")
  expectSaid(refuse('gen', 'resource', 'parcel', 'name:string', '--no-tests'), 'server/broken.ts')
  rmSync(broken)

  if (isFull) copy.run('npm', 'test')
  else {
    copy.run('npm', 'run', '-s', 'lint')
    const missing = testFiles.filter((file) => !existsSync(path.join(copy.folder, file)))
    if (missing.length > 0) throw new Error(`${missing.join(', ')} are not where this program looks`)
    copy.run('npx', 'vitest', 'run', ...testFiles)
  }
  copy.forge('migrate', 'verify')
  console.log(`${chosen.length} resources and a module were written, one after the other, and keep every law`)
} finally {
  copy.remove()
}
