import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { ask, mutateAll } from './support/trpcCall.ts'

describe.each(adapters)('RATE_LIMIT_PER_MINUTE on %s', (adapter) => {
  let app: TestApp
  afterEach(() => app.close())

  const startWith = async (perMinute: number) => {
    app = await startApp({ adapter, environment: { RATE_LIMIT_PER_MINUTE: String(perMinute) } })
  }
  const get = (path: string, options = {}) => app.request('GET', path, options)
  const login = () => app.request('POST', '/api/v1/auth/login', { body: { email: 'nobody@example.org', password } })

  const kinds: [string, () => Promise<{ status: number }>, number][] = [
    ['a call without a token', () => get('/api/v1/auth/me'), 401],
    ['a call with a token that is none', () => get('/api/v1/auth/me', { token: 'nonsense' }), 401],
    ['Basic credentials', () => get('/api/v1/auth/me', { headers: { authorization: 'Basic x' } }), 401],
    ['a public call', login, 401],
    ['a public call with bad input', () => app.request('POST', '/api/v1/auth/login', { body: '{' }), 400],
    ['a path that is none', () => get('/nowhere'), 404],
    ['a method that is none', () => app.request('PUT', '/api/v1/auth/me'), 405],
    ['a procedure that is none', () => ask(app, 'auth.nope'), 404],
    ['a call over tRPC', () => ask(app, 'auth.me'), 401],
  ]
  it.each(kinds)(
    'counts %s, and answers 429 with Retry-After when the budget is spent',
    async (_name, call, status) => {
      await startWith(3)
      const statuses = [await call(), await call(), await call()].map((reply) => reply.status)
      expect(statuses).toEqual([status, status, status])
      expect((await call()).status).toBe(429)
      const reply = await get('/nowhere')
      expect([reply.status, reply.body.error.code]).toEqual([429, 'rate_limited'])
      const seconds = Number(reply.headers.get('retry-after'))
      expect(seconds).toBeGreaterThanOrEqual(1)
      expect(seconds).toBeLessThanOrEqual(60)
    },
  )

  it('is one budget for all of these together', async () => {
    await startWith(5)
    for (const [, call] of kinds.slice(0, 5)) expect((await call()).status).toBeLessThan(429)
    for (const [, call] of kinds.slice(0, 5)) expect((await call()).status).toBe(429)
  })

  it('counts each call of a batch', async () => {
    await startWith(4)
    const call = ['auth.login', { email: 'nobody@example.org', password }] as const
    const { status, body } = await mutateAll(app, [call, call, call, call, call])
    const codes = body.map((one: { error: { data: { failure: { code: string } } } }) => one.error.data.failure.code)
    expect([status, codes.sort()]).toEqual([207, ['rate_limited', ...Array(4).fill('user.invalid_credentials')]])
  })

  it('counts no probe, key set or page of the API reference', async () => {
    await startWith(1)
    const paths = ['/livez', '/healthz', '/readyz', '/.well-known/jwks.json', '/docs', '/openapi.json']
    for (const path of [...paths, ...paths]) expect((await get(path)).status, path).toBe(200)
    expect((await get('/nowhere')).status).toBe(404)
    for (const path of paths) expect((await get(path)).status, path).toBe(200)
  })

  it('does not stop a caller with valid credentials, nor counts their calls', async () => {
    await startWith(3)
    const { accessToken } = await register(app)
    const me = () => get('/api/v1/auth/me', { token: accessToken })
    for (let calls = 0; calls < 10; calls += 1) expect((await me()).status).toBe(200)
    expect([(await login()).status, (await login()).status, (await login()).status]).toEqual([401, 401, 429])
    expect((await me()).status).toBe(200)
    expect((await get('/api/v1/me/sessions', { token: accessToken })).status).toBe(200)
  })

  it('refuses before anything is looked at: no account comes of it', async () => {
    await startWith(1)
    await get('/nowhere')
    const email = `${randomUUID()}@example.org`
    const reply = await app.request('POST', '/api/v1/auth/register', { body: { email, password, name: 'Ada' } })
    expect(reply.status).toBe(429)
    expect(await app.sql('select id from users')).toEqual([])
  })

  it('0 turns it off', async () => {
    await startWith(0)
    const replies = await Promise.all(Array.from({ length: 200 }, () => get('/nowhere')))
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([404]))
  })
})
