import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { readScrape, requests, type Scrape, total } from './support/scrape.ts'
import { ask, mutate } from './support/trpcCall.ts'

const scrapeOf = async ({ request }: Pick<TestApp, 'request'>, headers = {}): Promise<Scrape> => {
  const reply = await request('GET', '/admin/metrics', { headers })
  expect(reply.status).toBe(200)
  return readScrape(reply.text)
}

const me = '/api/v1/auth/me'
const login = '/api/v1/auth/login'

describe.each(adapters)('GET /admin/metrics on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  /** What `work` added to a count. */
  const added = async (work: () => Promise<unknown>, count: (scrape: Scrape) => number) => {
    const before = count(await scrapeOf(app))
    await work()
    return count(await scrapeOf(app)) - before
  }
  const countedAs = (work: () => Promise<unknown>, method: string, route: string, status: number) =>
    added(work, (scrape) => requests(scrape, method, route, status))

  it('is text 0.0.4, and tells what runs', async () => {
    const reply = await app.request('GET', '/admin/metrics')
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    expect(reply.text).toContain('# TYPE http_server_request_duration_seconds histogram')
    expect(reply.text).toContain(`tsforge_build_info{version="0.0.0",node="${process.version}",adapter="${adapter}"} 1`)
  })

  it.each<[string, (token: string) => Promise<unknown>, string, string, number]>([
    ['200 over REST', (token) => app.request('GET', me, { token }), 'GET', me, 200],
    ['200 over tRPC', (token) => ask(app, 'auth.me', undefined, token), 'GET', '/trpc/{path}', 200],
    ['HEAD', (token) => app.request('HEAD', me, { token }), 'HEAD', me, 200],
    ['401 over tRPC', () => ask(app, 'auth.me'), 'GET', '/trpc/{path}', 401],
    ['400 over tRPC', () => mutate(app, 'auth.login', '{'), 'POST', '/trpc/{path}', 400],
    ['400', () => app.request('POST', login, { body: '{' }), 'POST', login, 400],
    ['401', () => app.request('POST', login, { body: { email: 'a@b.example', password } }), 'POST', login, 401],
    [
      '404 of a route',
      (token) => app.request('DELETE', `/api/v1/me/sessions/${randomUUID()}`, { token }),
      'DELETE',
      '/api/v1/me/sessions/{id}',
      404,
    ],
    ['404 of a path', () => app.request('GET', '/nowhere/at/all'), 'GET', '', 404],
    ['405', () => app.request('PUT', me), 'PUT', '', 405],
    ['a preflight', () => app.request('OPTIONS', me), 'OPTIONS', '', 204],
    ['a method of no HTTP standard', () => app.request('PROPFIND', '/nowhere'), '_OTHER', '', 404],
    ['a probe', () => app.request('GET', '/livez'), 'GET', '/livez', 200],
  ])('counts %s by method, template and status', async (_name, call, method, route, status) => {
    const { accessToken } = await register(app)
    const thrice = async () => {
      for (let calls = 0; calls < 3; calls += 1) await call(accessToken)
    }
    expect(await countedAs(thrice, method, route, status)).toBe(3)
  })

  it('counts a client that leaves before its reply as 499, and no longer as active', async () => {
    const active = (scrape: Scrape) => total(scrape, 'http_server_active_requests')
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
    socket.write(
      `POST ${login} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"email":`,
    )
    while (active(await scrapeOf(app)) < 2);
    expect(requests(await scrapeOf(app), 'POST', login, 499)).toBe(0)
    socket.destroy()
    let after = await scrapeOf(app)
    while (requests(after, 'POST', login, 499) === 0) after = await scrapeOf(app)
    expect([requests(after, 'POST', login, 499), active(after)]).toEqual([1, 1])
  })

  it('counts a database that is away as 503, and how long calls waited in vain', async () => {
    const cut = await startApp({ adapter, reroute: () => 'postgres://nobody@127.0.0.1:1/nothing' })
    try {
      const body = { email: 'ada@example.org', password }
      expect((await cut.request('POST', login, { body })).status).toBe(503)
      const scrape = await scrapeOf(cut)
      expect(requests(scrape, 'POST', login, 503)).toBe(1)
      const labels = { db_client_connection_pool_name: 'app' }
      // That of the login, and those of whoever reads the flags until it succeeds.
      expect(total(scrape, 'db_client_connection_wait_time_seconds_count', labels)).toBeGreaterThan(1)
    } finally {
      await cut.close()
    }
  })

  it('makes no series of what clients invent', async () => {
    const { accessToken } = await register(app)
    const ways = (index: number): [method: string, path: string][] => [
      ['GET', `/invented/${index}`],
      ['PROPFIND', `/invented/${index}`],
      ['GET', `/trpc/invented.${index}`],
      ['DELETE', `/api/v1/me/sessions/${randomUUID()}`],
    ]
    const inventAll = async (from: number, count: number) => {
      for (let index = from; index < from + count; index += 50) {
        const calls = Array.from({ length: 50 }, (_, one) => ways(index + one)[one % 4] as [string, string])
        await Promise.all(calls.map(([method, path]) => app.request(method, path, { token: accessToken })))
      }
    }
    await inventAll(0, 50)
    const series = async () => [...(await scrapeOf(app)).keys()]
    const before = await series()
    await inventAll(50, 1_000)
    const after = await series()
    expect(after).toEqual(before)
    expect(after.filter((name) => name.includes('invented'))).toEqual([])
  })

  it('shows what the pools hold, who waits, and for how long', async () => {
    const pool = { db_client_connection_pool_name: 'app' }
    const waited = (from: Scrape) => total(from, 'db_client_connection_wait_time_seconds_count', pool)
    const release = await app.hold('lock table users')
    const before = await scrapeOf(app)
    const logins = Array.from({ length: 8 }, () =>
      app.request('POST', login, { body: { email: 'nobody@example.org', password } }),
    )
    const pending = (from: Scrape) => total(from, 'db_client_connection_pending_requests', pool)
    let scrape = before
    while (pending(scrape) < 2) scrape = await scrapeOf(app)
    const state = (name: string) =>
      total(scrape, 'db_client_connections', { ...pool, db_client_connection_state: name })
    expect([state('used'), state('idle'), total(scrape, 'db_client_connection_max', pool)]).toEqual([6, 0, 6])
    await release()
    await Promise.all(logins)
    expect(waited(await scrapeOf(app)) - waited(before)).toBeGreaterThanOrEqual(8)
    expect(total(before, 'db_client_connection_max', { db_client_connection_pool_name: 'gate' })).toBe(3)
  })

  it('counts a replay once', async () => {
    const { accessToken: token } = await register(app)
    const create = () =>
      app.request('POST', '/api/v1/tenants', {
        token,
        body: {
          name: 'Analytical',
          slug: `a-${token
            .slice(-8)
            .toLowerCase()
            .replace(/[^a-z0-9]/g, 'x')}`,
        },
        headers: { 'idempotency-key': token.slice(-40) },
      })
    const replays = (scrape: Scrape) => total(scrape, 'tsforge_idempotent_replays_total')
    expect(await added(create, replays)).toBe(0)
    expect(await added(create, replays)).toBe(1)
  })

  it('shows what the process uses', async () => {
    const scrape = await scrapeOf(app)
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'process_start_time_seconds',
      'nodejs_heap_size_used_bytes',
      'nodejs_eventloop_time_seconds_total',
    ])
      expect(total(scrape, name), name).toBeGreaterThan(0)
    expect(total(scrape, 'process_start_time_seconds') * 1000).toBeLessThan(Date.now())
  })

  it('shows how late the event loop was since the last scrape', async () => {
    await scrapeOf(app)
    const until = performance.now() + 150
    while (performance.now() < until);
    expect(total(await scrapeOf(app), 'nodejs_eventloop_delay_max_seconds')).toBeGreaterThan(0.1)
  })
})

describe.each(adapters)('what is refused, on %s', (adapter) => {
  let app: TestApp
  afterEach(() => app.close())
  const start = async (environment: Record<string, string>) => {
    app = await startApp({ adapter, environment })
  }
  const attempt = (email: string) => app.request('POST', login, { body: { email, password: 'wrong' } })
  const limited = (scrape: Scrape, budget: string) => total(scrape, 'tsforge_calls_limited_total', { budget })

  it('is counted by the budget that was spent: of the address', async () => {
    await start({ RATE_LIMIT_PER_MINUTE: '3' })
    for (let calls = 0; calls < 5; calls += 1) await app.request('GET', '/nowhere')
    await ask(app, 'auth.me')
    const scrape = await scrapeOf(app)
    expect([limited(scrape, 'address'), limited(scrape, 'read')]).toEqual([3, 0])
    expect([requests(scrape, 'GET', '', 404), requests(scrape, 'GET', '', 429)]).toEqual([3, 2])
    expect(requests(scrape, 'GET', '/trpc/{path}', 429)).toBe(1)
  })

  it('… and of a caller, by rate class', async () => {
    await start({ RATE_LIMIT_PER_MINUTE: '100000' })
    for (let calls = 0; calls < 32; calls += 1) await attempt(`${randomUUID()}@example.org`)
    const scrape = await scrapeOf(app)
    expect([limited(scrape, 'credential'), limited(scrape, 'address')]).toEqual([2, 0])
  })

  it('… guesses of a password among them', async () => {
    await start({ RATE_LIMIT_PER_MINUTE: '100000' })
    const { email } = await register(app)
    for (let calls = 0; calls < 12; calls += 1) await attempt(email)
    expect(total(await scrapeOf(app), 'tsforge_guesses_refused_total')).toBe(2)
  })

  it('… and what is too much for hashing', async () => {
    await start({ HASH_CONCURRENCY: '1', HASH_QUEUE_LENGTH: '1', ARGON2_MEMORY_KIB: '65536' })
    const replies = await Promise.all(Array.from({ length: 12 }, () => attempt('nobody@example.org')))
    const shed = replies.filter(({ status }) => status === 503).length
    expect(shed).toBeGreaterThan(0)
    expect(total(await scrapeOf(app), 'tsforge_requests_shed_total', { reason: 'hashing' })).toBe(shed)
  })

  it('… and a stream where there are too many', async () => {
    await start({ STREAMS_MAX: '0' })
    const { accessToken: token } = await register(app)
    expect((await app.request('GET', '/api/v1/stream', { token })).status).toBe(503)
    const scrape = await scrapeOf(app)
    expect(total(scrape, 'tsforge_requests_shed_total', { reason: 'streams' })).toBe(1)
    expect([total(scrape, 'tsforge_streams_open'), requests(scrape, 'GET', '/api/v1/stream', 503)]).toEqual([0, 1])
  })

  it('spends no budget itself, and wants the token of operators once there is one', async () => {
    const token = 'an operator token of some length'
    await start({ RATE_LIMIT_PER_MINUTE: '1', ADMIN_TOKEN: token })
    const refused = await app.request('GET', '/admin/metrics')
    expect([refused.status, refused.body.error.code]).toEqual([401, 'admin.unauthorized'])
    for (let scrapes = 0; scrapes < 5; scrapes += 1) await scrapeOf(app, { 'x-admin-token': token })
  })

  it('… and answers only the machine itself while there is none', async () => {
    await start({})
    const reply = await app.request('GET', '/admin/metrics', { headers: { 'x-forwarded-for': '192.0.2.1' } })
    expect([reply.status, reply.body.error.code]).toEqual([403, 'admin.forbidden'])
  })
})
