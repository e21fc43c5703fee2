import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { securityHeaders } from '../server/http/headers.ts'
import { createLoad } from '../server/platform/load.ts'
import { type Account, password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { RawHttp } from './support/rawHttp.ts'
import { mutate } from './support/trpcCall.ts'

const busy = { code: 'overloaded', message: 'The server is busy; try again after the seconds in Retry-After.' }
const most = 2
const page = 'https://app.example.org'

describe.each(adapters)('a server with as many calls as it may have on %s', (adapter) => {
  let app: TestApp
  let account: Account
  beforeAll(async () => {
    app = await startApp({ adapter, environment: { MAX_CALLS_RUNNING: String(most), CORS_ORIGINS: page } })
    account = await register(app)
  })
  afterAll(() => app.close())

  const me = () => app.request('GET', '/api/v1/auth/me', { token: account.accessToken })
  const newcomer = () => ({ email: `${randomUUID()}@example.org`, password, name: 'Ada' })
  const usersAs = async (email: string) => (await app.sql('select 1 from users where email = $1', [email])).length

  /** Runs `work` while the most calls are at work, and sees them answered afterwards. */
  const whileFull = async (work: () => Promise<void>) => {
    const release = await app.hold('lock table tenants in access exclusive mode')
    const running = Array.from({ length: most }, () =>
      app.request('POST', '/api/v1/tenants', {
        token: account.accessToken,
        body: { name: 'Acme', slug: `t-${randomUUID()}` },
      }),
    )
    await app.untilBlocked(most)
    try {
      await work()
    } finally {
      await release()
    }
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual(running.map(() => 201))
  }

  it('refuses the next at once, over REST and tRPC, without any effect', async () => {
    const body = newcomer()
    await whileFull(async () => {
      const refused = await app.request('POST', '/api/v1/auth/register', { body })
      expect([refused.status, refused.body.error, refused.headers.get('retry-after')]).toEqual([503, busy, '1'])
      expect((await me()).status).toBe(503)
      const trpc = await mutate(app, 'auth.register', body)
      expect([trpc.status, trpc.body.error.data.failure, trpc.headers.get('retry-after')]).toEqual([
        503,
        { code: 'overloaded' },
        '1',
      ])
    })
    expect(await usersAs(body.email)).toBe(0)
    expect((await app.request('POST', '/api/v1/auth/register', { body })).status).toBe(201)
  })

  it('refuses with the headers of every reply, and counts the request', async () => {
    const counted = async () => {
      const { text } = await app.request('GET', '/admin/metrics')
      const series =
        /_count\{http_request_method="GET",http_route="\/api\/v1\/auth\/me",http_response_status_code="503"\} (\d+)/
      return Number(series.exec(text)?.[1] ?? 0)
    }
    const before = await counted()
    await whileFull(async () => {
      const headers = { 'x-request-id': 'of-mine', origin: page }
      const refused = await app.request('GET', '/api/v1/auth/me', { headers })
      expect(refused.body).toEqual({ success: false, error: busy, request_id: 'of-mine' })
      const {
        'x-request-id': id,
        'access-control-allow-origin': origin,
        vary,
        ...others
      } = Object.fromEntries(refused.headers)
      expect([id, origin, vary]).toEqual(['of-mine', page, 'Origin'])
      expect(others).toMatchObject({ ...securityHeaders, 'cross-origin-resource-policy': 'cross-origin' })
      const unnamed = await app.request('GET', '/api/v1/auth/me')
      expect(unnamed.headers.get('x-request-id')).toBe(unnamed.body.request_id)
      expect(await counted()).toBe(before + 2)
    })
  })

  it('refuses a call of tRPC as its client reads it, and each of a batch', async () => {
    await whileFull(async () => {
      const headers = { authorization: `Bearer ${account.accessToken}` }
      const one = await fetch(`${app.url}/trpc/auth.me`, { headers })
      const { error } = (await one.json()) as {
        error: { data: { path: string; httpStatus: number; request_id: string } }
      }
      expect([one.status, error.data.path, error.data.httpStatus]).toEqual([503, 'auth.me', 503])
      expect(error.data.request_id).toBe(one.headers.get('x-request-id'))
      expect(one.headers.get('content-type')).toBe('application/json')
      const both = await fetch(`${app.url}/trpc/auth.me,auth.me?batch=1`, { headers })
      expect(await both.json()).toMatchObject([{ error: { data: { httpStatus: 503 } } }, { error: {} }])
      expect((await fetch(`${app.url}/trpc/auth.register`, { headers })).status).toBe(405)
    })
  })

  it('goes on with the connection after a refusal, whatever of the body was sent', async () => {
    const body = JSON.stringify(newcomer())
    const head = `POST /api/v1/auth/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    const client = new RawHttp(Number(new URL(app.url).port))
    await whileFull(async () => {
      client.send(head + body + head + body.slice(0, 9))
      expect((await client.response())?.status).toBe(503)
      expect((await client.response())?.status).toBe(503)
      client.send(body.slice(9))
    })
    client.send(head + body)
    expect((await client.response())?.status).toBe(201)
    client.socket.destroy()
  })

  it('answers probes and operators, and counts what it refused', async () => {
    const shed = async () => {
      const { text } = await app.request('GET', '/admin/metrics')
      return Number(/^tsforge_requests_shed_total\{reason="server"\} (\d+)/m.exec(text)?.[1] ?? 0)
    }
    const before = await shed()
    await whileFull(async () => {
      for (const path of ['/livez', '/healthz', '/readyz', '/admin/healthz', '/openapi.json']) {
        expect([path, (await app.request('GET', path)).status]).toEqual([path, 200])
      }
      expect((await me()).status).toBe(503)
      expect(await shed()).toBe(before + 1)
    })
  })

  it('does not count calls whose body has not arrived', async () => {
    const body = JSON.stringify(newcomer())
    const head = `POST /api/v1/auth/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    const slow = Array.from({ length: most }, () => new RawHttp(Number(new URL(app.url).port)))
    for (const client of slow) client.send(head + body.slice(0, 10))
    expect((await me()).status).toBe(200)
    for (const client of slow) client.send(body.slice(10))
    const replies = await Promise.all(slow.map((client) => client.response()))
    expect(replies.map((reply) => reply?.status).sort()).toEqual([201, 409])
    for (const { socket } of slow) socket.destroy()
  })

  it('does not count open streams', async () => {
    const leave = new AbortController()
    const headers = { authorization: `Bearer ${account.accessToken}` }
    const open = () => fetch(`${app.url}/api/v1/stream`, { headers, signal: leave.signal })
    const streams = await Promise.all(Array.from({ length: most }, open))
    expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200))
    expect((await me()).status).toBe(200)
    leave.abort()
  })
})

describe.each(adapters)('a server whose connections are all taken on %s', (adapter) => {
  it('is ready, for its probe has one of its own', async () => {
    const app = await startApp({ adapter, environment: { DATABASE_MAX_CONNECTIONS: '1' } })
    const { accessToken: token } = await register(app)
    const release = await app.hold('lock table tenants in access exclusive mode')
    const body = { name: 'Acme', slug: `t-${randomUUID()}` }
    const running = app.request('POST', '/api/v1/tenants', { token, body })
    await app.untilBlocked(1)
    expect((await app.request('GET', '/readyz')).status).toBe(200)
    await release()
    expect((await running).status).toBe(201)
    await app.close()
  })
})

describe('an event loop that is late', () => {
  it('leaves room for a tenth of the calls, until it is in time again', async () => {
    let running = 50
    const load = createLoad({
      maxRunning: 100,
      maxDelayMs: 20,
      running: () => running,
      pool: { waiting: () => 0, given: () => 0 },
      maxWaitMs: 500,
      onRefused: () => {},
    })
    expect(load.hasRoom()).toBe(true)
    const until = performance.now() + 200
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve))
    expect(load.hasRoom()).toBe(false)
    running = 9
    expect(load.hasRoom()).toBe(true)
    running = 99
    while (!load.hasRoom()) await new Promise(setImmediate)
    load.close()
  })
})

describe('a queue for connections', () => {
  it('lets a burst in, and nobody while it stands and is too long for the rate at which it moves', async () => {
    let waiting = 50
    let given = 0
    const pool = { waiting: () => waiting, given: () => given++ }
    const load = createLoad({
      maxRunning: 1_000,
      maxDelayMs: 60_000,
      running: () => 60,
      pool,
      maxWaitMs: 500,
      onRefused: () => {},
    })
    expect(load.hasRoom()).toBe(true)
    while (load.hasRoom()) await new Promise(setImmediate)
    waiting = 0
    expect(load.hasRoom()).toBe(true)
    load.close()
  })
})
