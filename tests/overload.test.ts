import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLoad } from '../server/platform/load.ts'
import { type Account, password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { RawHttp } from './support/rawHttp.ts'
import { mutate } from './support/trpcCall.ts'

const busy = { code: 'overloaded', message: 'The server is busy; try again after the seconds in Retry-After.' }
const most = 2

describe.each(adapters)('a server with as many calls as it may have on %s', (adapter) => {
  let app: TestApp
  let account: Account
  beforeAll(async () => {
    app = await startApp({ adapter, environment: { MAX_CALLS_RUNNING: String(most) } })
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
