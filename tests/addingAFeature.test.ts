/** What docs/adding-a-feature.md writes compiles, is formatted, and passes its own tests and the laws. */
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { modules } from '../contract/modules.ts'
import { followPage, writeMigration } from './support/pageProject.ts'
import { copyProject, type ProjectCopy } from './support/projectCopy.ts'
import { snippetsOf } from './support/snippets.ts'

const page = 'docs/adding-a-feature.md'
const blocks = snippetsOf(page)

/** The page begins with a project that has no module beside the built-in ones. */
const isAsItCame = Object.keys(modules).length === 0

let copy: ProjectCopy
let files: readonly string[]
beforeAll(() => {
  if (!isAsItCame) return
  copy = copyProject()
  files = followPage(page, copy)
})
afterAll(() => copy?.remove())

it.runIf(isAsItCame)('shows every file that it begins with', () => {
  const [tree] = blocks.filter(({ language }) => language === '')
  const named = [...(tree?.text ?? '').matchAll(/([\w.]+\.ts) /g)].map(([, name]) => name)
  expect(files.map((file) => path.basename(file)).sort()).toEqual(named.sort())
})

it.runIf(isAsItCame)('leads to a feature that works', { timeout: 600_000 }, async () => {
  await writeMigration(page, 'notes', copy)
  await copy.run('npm', 'run', '-s', 'generate')

  // So that a mistake elsewhere in the project is not taken for one of the page.
  copy.write('tsconfig.page.json', JSON.stringify({ extends: './tsconfig.json', include: [], files }))
  // Of the laws those of its entries, which bear its name.
  const tests = ['tests/notes.test.ts', 'tests/contract.test.ts', 'tests/eventsRecorded.test.ts']
  const [, , ran] = await Promise.all([
    copy.run('npx', 'tsc', '--noEmit', '-p', 'tsconfig.page.json'),
    copy.run('npx', 'biome', 'check', ...files),
    copy.run('npx', 'vitest', 'run', ...tests, '-t', 'notes'),
  ])
  expect(ran).toMatch(new RegExp(`Test Files +${tests.length} passed`))
})
