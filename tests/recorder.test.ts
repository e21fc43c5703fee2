import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRecorder } from '../server/platform/tracing/recorder.ts'
import { createTracing } from '../server/platform/tracing/tracing.ts'
import { type Account, password, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { ask } from './support/trpcCall.ts'

const timing = /^total;dur=\d+\.\d\d, gates;dur=\d+\.\d\d, db;dur=\d+\.\d\d;desc="(\d+) quer(?:y|ies)"$/

describe.each(adapters)('in development, on %s', (adapter) => {
  let app: TestApp
  let admin: Account
  beforeAll(async () => {
    app = await startApp({ adapter, environment: { NODE_ENV: 'development', ALLOW_WEAK_HASHING: 'true' } })
    admin = await registerAdmin(app)
  })
  afterAll(() => app.close())
  const recorded = (id: string) => app.recorder?.recent().find((one) => one.id === id)

  it('every reply says what its time went to', async () => {
    const { headers } = await app.request('GET', '/api/v1/auth/me', { token: admin.accessToken })
    expect(Number(timing.exec(headers.get('server-timing') ?? '')?.[1])).toBeGreaterThan(0)
    const overTrpc = await ask(app, 'auth.me', undefined, admin.accessToken)
    expect(overTrpc.headers.get('server-timing')).toMatch(timing)
    const unknown = await app.request('GET', '/api/v1/nowhere')
    expect(unknown.headers.get('server-timing')).toMatch(/desc="0 queries"$/)
  })

  it('a request is kept with its gates, queries, transaction, events and log', async () => {
    const id = randomUUID()
    await app.request('POST', '/api/v1/menus', {
      token: admin.accessToken,
      body: { code: randomUUID(), label: 'Orders' },
      headers: { 'x-request-id': id, 'idempotency-key': 'once-only' },
    })
    const found = recorded(id)
    expect(found).toMatchObject({
      name: 'POST /api/v1/menus',
      status: 201,
      isFailed: false,
      dropped: 0,
      kind: 'server',
    })
    expect(found?.request?.curl).toContain(`-H "authorization: Bearer $TOKEN"`)
    expect(found?.request?.curl).toContain(`--data "$BODY"`)
    const names = found?.spans.map(({ name }) => name) ?? []
    for (const name of ['menus.create', 'gates', 'transaction', 'INSERT menus', 'record menu.created', 'COMMIT'])
      expect(names).toContain(name)
    const insert = found?.spans.find(({ name }) => name === 'INSERT menus')
    expect(insert?.sql).toMatch(/^insert into "menus"/)
    expect(insert?.sql).toContain('$1')
    for (const { startMs, durationMs } of found?.spans ?? []) {
      expect(startMs).toBeGreaterThanOrEqual(0)
      expect(startMs + durationMs).toBeLessThanOrEqual((found?.durationMs ?? 0) + 0.01)
    }
  })

  it('holds the lines of the log that were written for the request', async () => {
    const id = randomUUID()
    await app.sql('alter table menus rename to menus_away')
    await app.request('GET', '/api/v1/menus', { token: admin.accessToken, headers: { 'x-request-id': id } })
    await app.sql('alter table menus_away rename to menus')
    const found = recorded(id)
    expect(found).toMatchObject({ status: 500, isFailed: true })
    expect(found?.logs.map(({ json }) => JSON.parse(json).request_id)).toContain(id)
    expect(found?.spans.some(({ error }) => error === '42P01')).toBe(true)
  })

  it('holds no body, no token and no secret of the query', async () => {
    const id = randomUUID()
    const headers = { 'x-request-id': id, cookie: 'cookie-secret', 'idempotency-key': 'key-secret' }
    await app.request('POST', '/api/v1/auth/login?ticket=tick-secret&a=1', {
      token: admin.accessToken,
      body: { email: admin.email, password },
      headers,
    })
    await app.request('GET', `/trpc/auth.me?input=${encodeURIComponent('{"password":"in-secret"}')}`)
    const text = JSON.stringify(app.recorder?.recent())
    expect(recorded(id)?.request?.target).toBe('/api/v1/auth/login?ticket=$TOKEN&a=1')
    const hidden = [admin.accessToken, admin.refreshToken, admin.email, password]
    for (const value of [...hidden, 'tick-secret', 'cookie-secret', 'key-secret', 'in-secret'])
      expect(text.includes(value), value).toBe(false)
  })

  it('keeps the last 200, the newest first', async () => {
    for (let round = 0; round < 9; round++)
      await Promise.all(Array.from({ length: 25 }, () => app.request('GET', '/api/v1/auth/me')))
    const last = randomUUID()
    await app.request('GET', '/api/v1/auth/me', { headers: { 'x-request-id': last } })
    expect(app.recorder?.recent()).toHaveLength(200)
    expect(app.recorder?.recent()[0]?.id).toBe(last)
  })
})

describe('the recorder', () => {
  it('is bounded in spans, lines and characters', async () => {
    const recorder = createRecorder({ spans: 3, lines: 2, characters: 20_000 })
    const tracing = createTracing({ share: 1, recorder })
    for (let round = 0; round < 20; round++)
      await tracing.root('work', undefined, {}, async (span) => {
        for (let index = 0; index < 5; index++) {
          await tracing.span(`part ${index}`, {}, async () => {})
          recorder.log(span, span.startMs, 'x'.repeat(5_000))
        }
      })
    const kept = recorder.recent()
    expect(kept[0]).toMatchObject({ dropped: 5 })
    expect(kept[0]?.spans).toHaveLength(3)
    expect(kept[0]?.logs.map(({ json }) => json.length)).toEqual([2_000, 2_000])
    expect(kept.length).toBeLessThan(5)
    expect(kept.length).toBeGreaterThan(1)
  })

  it('gives nothing of what goes on behind a request to it', async () => {
    const recorder = createRecorder()
    const tracing = createTracing({ share: 1, recorder })
    let goOn: Promise<void> | undefined
    let begin = () => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    await tracing.root('request', undefined, {}, async () => {
      goOn = begun.then(() => tracing.span('later', {}, async (span) => expect(span).toBeUndefined()))
    })
    begin()
    await goOn
    expect(recorder.recent()[0]?.spans).toEqual([])
  })
})
