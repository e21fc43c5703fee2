import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Entry } from '../contract/define.ts'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { entries } from './support/entries.ts'
import { mutate } from './support/trpcCall.ts'

const mutations = [...entries].filter(([, { kind }]) => kind === 'mutation')

/** Values that came out badly somewhere before: broken text, odd numbers, prototypes, what PostgreSQL cannot hold. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    '',
    ' ',
    '\0',
    '\ud800',
    'x'.repeat(600),
    -1,
    0,
    1e308,
    2 ** 53,
    -0,
    1.5,
    null,
    true,
    [],
    {},
  ),
  fc.constantFrom('infinity', "'", '\\', '%s', '1e5', '2026-02-30T00:00:00Z', '018f6b0e-0000-7000-8000-000000000000'),
  fc.constantFrom('ada@example.org', 'correct horse battery'),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.jsonValue({ maxDepth: 3 }),
)

/** A body whose keys are those that the entry reads, and some it does not. */
const bodyOf = ({ input }: Entry) => {
  const names = Object.keys(input?.shape ?? {})
  const fields = fc.record(Object.fromEntries(names.map((name) => [name, odd])), { requiredKeys: [] })
  const others = fc.dictionary(fc.oneof(fc.constantFrom('__proto__', 'toString'), fc.string()), odd, { maxKeys: 2 })
  const joined = fc.tuple(fields, others).map(([known, unknown]) => ({ ...unknown, ...known }))
  return fc.oneof({ weight: 5, arbitrary: joined }, { weight: 1, arbitrary: odd })
}

const pathWith = (path: string, segment: string) => path.replace(/\{\w+\}/g, encodeURIComponent(segment))

const segments = fc.oneof(fc.constantFrom('018f6b0e-0000-7000-8000-000000000000', '0', '\0', '%', '*'), fc.uuid())

describe.each(adapters)('whatever JSON arrives on %s', (adapter) => {
  let app: TestApp
  let account: Account
  beforeAll(async () => {
    app = await startApp({ adapter })
    account = await register(app)
  })
  afterAll(() => app.close())

  /** A call that was done may have ended the session, for that is what some are for. */
  const judge = async (status: number, text: string) => {
    expect(status, text).toBeLessThan(500)
    if (status >= 300 && status !== 401) return
    const me = await app.request('GET', '/api/v1/auth/me', { token: account.accessToken })
    if (me.status !== 200) account = await register(app)
  }

  it.each(mutations)('%s never fails by a fault of ours', async (key, entry) => {
    const [method, path] = entry.http
    const run = async (body: unknown, segment: string) => {
      const withBody = method === 'DELETE' ? {} : { body: JSON.stringify(body) }
      const headers = { 'idempotency-key': randomUUID() }
      const { accessToken: token } = account
      const rest = await app.request(method, pathWith(path, segment), { token, headers, ...withBody })
      await judge(rest.status, rest.text)
      const trpc = await mutate(app, key, JSON.stringify(body), {
        token: account.accessToken,
        headers: { 'idempotency-key': randomUUID() },
      })
      await judge(trpc.status, JSON.stringify(trpc.body))
    }
    await fc.assert(fc.asyncProperty(bodyOf(entry), segments, run), { numRuns: 60, seed: 20_260_101 })
  })

  it('is still served afterwards', async () => {
    expect((await app.request('GET', '/livez')).status).toBe(200)
  })
})
