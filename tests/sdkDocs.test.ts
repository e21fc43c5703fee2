import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { declarationsOf } from '../scripts/client/declarations.ts'
import { clientName, compile, inFolder, problemsOf, repository } from './support/compile.ts'

/** What the examples take as given: the things of whoever reads them. */
const given = `
declare const email: string, password: string, apiKey: string, token: string, orderId: string
declare const signal: AbortSignal
declare const show: (problems: Readonly<Record<string, string>>) => void
declare const keychain: { get(key: string): Promise<string | null>; set(key: string, text: string): Promise<void> }
`

const documents = ['docs/sdk.md', 'client-sdk/README.md']

const examples = documents.flatMap((document) =>
  [...readFileSync(path.join(repository, document), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map((match, index) => ({
    name: `tests/examples/${path.basename(document, '.md')}${index}.ts`,
    text: `${match[1]}\nexport {}\n`,
  })),
)

const settings = {
  types: [],
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  paths: { [clientName]: [path.join(repository, 'tests/packed/index.d.ts')] },
  noUnusedLocals: false,
}

const packed = inFolder('tests/packed', declarationsOf(repository))

const problemsWith = (sources: readonly { name: string; text: string }[]) => {
  const texts = Object.fromEntries(sources.map(({ name, text }) => [name, text]))
  const program = compile({ ...packed, ...texts, 'tests/given.d.ts': given }, settings)
  return problemsOf(program, (file) => file.startsWith('tests/examples/'))
}

it('every example of the documentation compiles against the package', () => {
  expect(examples.length).toBeGreaterThan(10)
  expect(problemsWith(examples)).toEqual([])
}, 60_000)

it('an example that does not fit is found', () => {
  const wrong = examples.map(({ name, text }) => ({ name, text: text.replaceAll('limit: 10', "limit: 'ten'") }))
  expect(problemsWith(wrong).length).toBeGreaterThan(0)
}, 60_000)
