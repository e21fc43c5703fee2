import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { modules } from '../contract/modules.ts'
import { copyProject, type ProjectCopy } from './support/projectCopy.ts'

let copy: ProjectCopy
let page: string
beforeAll(() => {
  copy = copyProject()
  page = copy.read('docs/adding-a-feature.md')
})
afterAll(() => copy.remove())

const blocksOf = (kind: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text)

/** The blocks that are whole files. */
const filesOf = () =>
  blocksOf('ts').flatMap((text) => {
    const [, name, content] = /^\/\/ (\S+)\n([\s\S]*)$/.exec(text) ?? []
    return name === undefined || content === undefined ? [] : [{ name, content }]
  })

/** The blocks that change a file: the lines with a space or `-` must be there, those with a space or `+` take their place. */
const changesOf = () =>
  blocksOf('diff').flatMap((text) => {
    const [, name, lines = ''] = /^\+{3} (\S+)\n([\s\S]*)$/.exec(text) ?? []
    const without = (mark: string) =>
      lines
        .split('\n')
        .filter((line) => !line.startsWith(mark))
        .map((line) => line.slice(1))
        .join('\n')
    return name === undefined ? [] : [{ name, before: without('+'), after: without('-') }]
  })

const writtenFiles = () => [...new Set([...filesOf(), ...changesOf()].map(({ name }) => name))]

it('shows every file that it begins with', () => {
  const [tree = ''] = blocksOf('')
  const named = [...tree.matchAll(/([\w.]+\.ts) /g)].map(([, name]) => name)
  expect(
    writtenFiles()
      .map((name) => path.basename(name))
      .sort(),
  ).toEqual(named.sort())
})

/** The page begins with a project that has no module beside the built-in ones. */
const isAsItCame = Object.keys(modules).length === 0

it.runIf(isAsItCame)(
  'leads to a feature that compiles, is formatted, passes its tests and the laws',
  async () => {
    for (const { name, content } of filesOf()) copy.write(name, content)
    for (const { name, before, after } of changesOf()) {
      expect(copy.read(name).split(before), `${name} holds what the page shows of it, once`).toHaveLength(2)
      copy.write(
        name,
        copy.read(name).replace(before, () => after),
      )
    }
    const made = await copy.run('npm', 'run', '-s', 'forge', '--', 'migrate', 'new', 'notes')
    const [migration = ''] = /db\/migrations\/\d+_notes\.sql/.exec(made) ?? []
    copy.write(migration, `${copy.read(migration)}\n${blocksOf('sql')[0]}`)
    await copy.run('npm', 'run', '-s', 'generate')

    // So that a mistake elsewhere in the project is not taken for one of the page.
    const settings = { extends: './tsconfig.json', include: [], files: writtenFiles() }
    copy.write('tsconfig.feature.json', JSON.stringify(settings))
    // Of the laws those of its entries, which bear its name.
    const tests = ['tests/notes.test.ts', 'tests/contract.test.ts', 'tests/eventsRecorded.test.ts']
    const [, , ran] = await Promise.all([
      copy.run('npx', 'tsc', '--noEmit', '-p', 'tsconfig.feature.json'),
      copy.run('npx', 'biome', 'check', ...writtenFiles()),
      copy.run('npx', 'vitest', 'run', ...tests, '-t', 'notes'),
    ])
    expect(ran).toMatch(new RegExp(`Test Files +${tests.length} passed`))
  },
  600_000,
)
