import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { errorAdvice } from '../contract/errorAdvice.ts'
import { contract } from '../contract/index.ts'
import { errors } from '../contract/vocabulary.ts'
import { entriesOf } from '../scripts/reference/entries.ts'
import { renderErrorsPage } from '../scripts/reference/errorsPage.ts'
import { exampleInput } from '../scripts/reference/examples.ts'
import { referencePages } from '../scripts/reference/pages.ts'
import { type Part, readDocument } from '../server/cli/openapi/document.ts'
import { documentInfo } from '../server/rpc/document/info.ts'
import { createDocument } from '../server/rpc/document.ts'
import { version } from '../server/version.ts'

const pages = referencePages()
const textOf = (path: string) => pages.find((page) => page.path === path)?.text ?? ''
const document = readDocument(JSON.stringify(createDocument(contract, documentInfo(version))))

it.each(pages)('$path is what the contract says', ({ path, text }) => {
  const committed = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
  expect(committed === text, 'run npm run generate').toBe(true)
})

it.each(Object.keys(errors))('%s has a section, and an advice when it is built in', (code) => {
  expect(textOf('docs/errors.md')).toContain(`## \`${code}\`\n\n**${errors[code as keyof typeof errors][0]}** `)
})

it('documents the codes of modules, with an advice or without', () => {
  const text = renderErrorsPage(contract, { 'invoice.paid': [409, 'It is paid.'], internal: [500, 'No.'] }, errorAdvice)
  expect(text).toContain('## `invoice.paid`\n\n**409** It is paid.\n\n- Sent by the server itself')
  expect(text).toContain(`- What to do: ${errorAdvice.internal}\n- Sent by every entry.`)
})

describe.each(entriesOf(contract).map((entry): [string, typeof entry] => [entry.key, entry]))(
  '%s',
  (key, { rules }) => {
    it('has a section whose example its schema takes', () => {
      expect(textOf('docs/rest.md')).toContain(
        `### \`${key}\`\n\n\`${rules.http[0]} ${rules.http[1]}\` — ${rules.summary}\n`,
      )
      const operation = (document.paths as Record<string, Record<string, Part>>)[rules.http[1]]?.[
        rules.http[0].toLowerCase()
      ]
      const { path, query, body } = exampleInput(document, operation ?? {})
      const parsed = rules.input?.safeParse({ ...path, ...query, ...body })
      expect(parsed?.error?.issues ?? []).toEqual([])
    })
  },
)
