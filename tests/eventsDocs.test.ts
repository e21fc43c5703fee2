import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { compile, problemsOf, repository } from './support/compile.ts'

it('the consumer of docs/events.md compiles', { timeout: 60_000 }, () => {
  const page = readFileSync(path.join(repository, 'docs/events.md'), 'utf8')
  const [example] = [...page.matchAll(/```ts\n(import [\s\S]*?)```/g)].map(([, text = '']) => text)
  const file = 'server/features/tenants/example.ts'
  expect(problemsOf(compile({ [file]: example ?? '' }), (name) => name === file)).toEqual([])
  const wrong = example?.replace('event.payload.user_id', 'event.payload.code') ?? ''
  expect(problemsOf(compile({ [file]: wrong }), (name) => name === file)).toHaveLength(1)
})
