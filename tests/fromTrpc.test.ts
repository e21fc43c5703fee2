/** What docs/from-trpc.md ports compiles, starts, and answers the client of the page. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modules } from '../contract/modules.ts'
import { createNewcomer, type Newcomer } from './support/newcomer.ts'
import { followPage, writeMigration } from './support/pageProject.ts'
import { copyProject, type ProjectCopy } from './support/projectCopy.ts'
import { asShown, printedBy, snippetsOf } from './support/snippets.ts'

const page = 'docs/from-trpc.md'

/** The page begins with a project that has no module beside the built-in ones. */
const isAsItCame = Object.keys(modules).length === 0

describe.runIf(isAsItCame)('a router of plain tRPC', () => {
  let copy: ProjectCopy
  let files: readonly string[]
  let newcomer: Newcomer
  beforeAll(async () => {
    copy = copyProject()
    files = followPage(page, copy)
    newcomer = await createNewcomer(copy.folder)
    await writeMigration(page, 'posts', copy)
    await copy.run('npm', 'run', '-s', 'generate')
  }, 300_000)
  afterAll(async () => {
    await newcomer?.leave()
    copy?.remove()
  })

  it('compiles, and is formatted', { timeout: 300_000 }, async () => {
    const settings = { extends: './tsconfig.json', include: [], files }
    copy.write('tsconfig.page.json', JSON.stringify(settings))
    await copy.run('npx', 'tsc', '--noEmit', '-p', 'tsconfig.page.json')
    // The others are of the page's reader, and print.
    await copy.run('npx', 'biome', 'check', ...files.filter((file) => file.includes('/')))
  })

  it('serves the client of the page, and REST', { timeout: 120_000 }, async () => {
    const snippets = snippetsOf(page)
    await newcomer.serve('npm start')
    const [client] = snippets.filter(({ text }) => text.startsWith('// client.ts'))
    expect((await newcomer.run(client?.text ?? '')).trim().split('\n')).toEqual(printedBy(client?.text ?? ''))
    const [curl] = snippets.filter(({ shown }) => shown?.language === 'json')
    const wanted: unknown = JSON.parse(curl?.shown?.text ?? '')
    expect(asShown(JSON.parse(await newcomer.type(curl?.text ?? '')), wanted)).toEqual(wanted)
  })
})
