/**
 * README and quickstart as somebody follows them who has just cloned: every command and every program runs, from top to
 * bottom, against the server that the page starts, and what the page shows is what comes back.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compile, problemsOf, repository } from './support/compile.ts'
import { createNewcomer, type Newcomer } from './support/newcomer.ts'
import { asShown, patternOf, printedBy, type Snippet, snippetsOf } from './support/snippets.ts'

const pages = ['README.md', 'docs/quickstart.md']

/** Commands that do not end: they are run until they are ready. */
const servers = ['npm start', 'npm run dev']

/** All that is not run here, and why. */
const elsewhere = new Map([
  ['npm ci', 'it installs from the registry: .ci/run begins with it'],
  ['npm test', 'this test is a part of it'],
])

/** Commands that write beside the project: they are run with --dry-run. */
const rehearsed = ['npm run forge -- new ../my-api']

/** A line of nothing but such commands, as its commands. */
const commandsOf = (line: string) => line.replace(/\s+#.*$/, '').split(' && ')
const isElsewhere = (command: string) => elsewhere.has(command) || servers.includes(command)
const isApart = (line: string) => commandsOf(line).every(isElsewhere)

const runShell = async (newcomer: Newcomer, { text, shown }: Snippet) => {
  const lines = text.split('\n')
  const started = lines
    .filter(isApart)
    .flatMap(commandsOf)
    .filter((command) => servers.includes(command))
  const said: string[] = []
  for (const command of started) said.push(await newcomer.serve(command))
  const typed = lines.filter((line) => !isApart(line))
  const script = typed.map((line) => (rehearsed.includes(line) ? `${line} --dry-run` : line)).join('\n')
  const output = script.trim() === '' ? '' : await newcomer.type(script)
  if (shown === undefined) return expect(output).not.toContain('"success":false')
  if (shown.language === 'text') return expectText(said.join('') || output.trim(), shown.text, said.length === 0)
  const wanted: unknown = JSON.parse(shown.text)
  expect(asShown(JSON.parse(output), wanted)).toEqual(wanted)
}

const expectText = (output: string, shown: string, isWhole: boolean) =>
  expect(output).toMatch(patternOf(shown, isWhole))

const runProgram = async (newcomer: Newcomer, snippet: Snippet) => {
  const output = await newcomer.run(snippet.text)
  expectText(output.trim(), printedBy(snippet.text).join('\n'), true)
}

describe.each(pages)('%s', (page) => {
  const snippets = snippetsOf(page).filter(({ language }) => language === 'sh' || language === 'ts')
  let newcomer: Newcomer
  beforeAll(async () => {
    newcomer = await createNewcomer()
  })
  afterAll(() => newcomer?.leave())

  it.each(snippets)('line $line: $language', { timeout: 90_000 }, async (snippet) => {
    await (snippet.language === 'sh' ? runShell : runProgram)(newcomer, snippet)
  })
})

it.each(pages)('%s has no block that is neither run nor compared', (page) => {
  const snippets = snippetsOf(page)
  const outputs = snippets.map(({ shown }) => shown?.text)
  const isKnown = ({ language, text }: Snippet) => ['sh', 'ts', ''].includes(language) || outputs.includes(text)
  expect(snippets.filter((snippet) => !isKnown(snippet)).map(({ line }) => line)).toEqual([])
})

it('every program compiles', { timeout: 120_000 }, () => {
  const files = pages.flatMap((page) =>
    snippetsOf(page)
      .filter(({ language }) => language === 'ts')
      .map(({ text, line }) => [`${path.basename(page, '.md')}${line}.ts`, `${text}\nexport {}\n`]),
  )
  expect(files.length).toBeGreaterThan(4)
  const problems = (texts: Readonly<Record<string, string>>) =>
    problemsOf(compile(texts), (file) => Object.keys(texts).includes(file))
  const texts = Object.fromEntries(files)
  expect(problems(texts)).toEqual([])
  const [name = '', text = ''] = files[0] ?? []
  expect(problems({ [name]: text.replace('auth.login', 'auth.logIn') })).toHaveLength(1)
})

it('the linter leaves the program alone that the quickstart has somebody save', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-saved-'))
  for (const file of ['biome.json', '.gitignore']) cpSync(path.join(repository, file), path.join(folder, file))
  const [program] = snippetsOf('docs/quickstart.md').filter(({ language }) => language === 'ts')
  const lint = (file: string) => {
    writeFileSync(path.join(folder, file), program?.text ?? '')
    execFileSync(path.join(repository, 'node_modules/.bin/biome'), ['check'], { cwd: folder, stdio: 'pipe' })
  }
  expect(() => lint('first.ts')).not.toThrow()
  expect(() => lint('second.ts')).toThrow('noConsole')
  rmSync(folder, { recursive: true })
})
