import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { readScrape, requests, type Scrape } from './support/scrape.ts'
import { ask } from './support/trpcCall.ts'

const scrapeOf = async (app: TestApp): Promise<Scrape> => {
  const reply = await app.request('GET', '/admin/metrics')
  expect(reply.status).toBe(200)
  return readScrape(reply.text)
}

describe.each(adapters)('GET /admin/metrics on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  /** What the requests of `work` added to a count. */
  const added = async (work: () => Promise<unknown>, count: (scrape: Scrape) => number) => {
    const before = count(await scrapeOf(app))
    await work()
    return count(await scrapeOf(app)) - before
  }
  const countedAs = (work: () => Promise<unknown>, method: string, route: string, status: number) =>
    added(work, (scrape) => requests(scrape, method, route, status))

  it('is text 0.0.4', async () => {
    const reply = await app.request('GET', '/admin/metrics')
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    expect(reply.text).toContain('# TYPE http_server_request_duration_seconds histogram')
  })

  const me = '/api/v1/auth/me'
  const login = '/api/v1/auth/login'
  it.each<[string, (token: string) => Promise<unknown>, string, string, number]>([
    ['200 over REST', (token) => app.request('GET', me, { token }), 'GET', me, 200],
    ['200 over tRPC', (token) => ask(app, 'auth.me', undefined, token), 'GET', '/trpc/{path}', 200],
    ['HEAD', (token) => app.request('HEAD', me, { token }), 'HEAD', me, 200],
    ['401 over tRPC', () => ask(app, 'auth.me'), 'GET', '/trpc/{path}', 401],
    ['400', () => app.request('POST', login, { body: '{' }), 'POST', login, 400],
    ['401', () => app.request('POST', login, { body: { email: 'a@b.example', password } }), 'POST', login, 401],
    [
      '404 of a route',
      (token) => app.request('DELETE', '/api/v1/me/sessions/00000000-0000-4000-8000-000000000000', { token }),
      'DELETE',
      '/api/v1/me/sessions/{id}',
      404,
    ],
    ['404 of a path', () => app.request('GET', '/nowhere/at/all'), 'GET', '', 404],
    ['405', () => app.request('PUT', me), 'PUT', '', 405],
    ['a preflight', () => app.request('OPTIONS', me), 'OPTIONS', '', 204],
    ['a method of no standard', () => app.request('PROPFIND', '/nowhere'), '_OTHER', '', 404],
    ['a probe', () => app.request('GET', '/livez'), 'GET', '/livez', 200],
  ])('counts %s by method, template and status', async (_name, call, method, route, status) => {
    const { accessToken } = await register(app)
    const thrice = async () => {
      for (let calls = 0; calls < 3; calls += 1) await call(accessToken)
    }
    expect(await countedAs(thrice, method, route, status)).toBe(3)
  })
})
