import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adapters, startApp, type TestApp } from './support/app.ts'

const ours = 'https://app.example.org'

const corsHeadersOf = ({ headers }: { headers: Headers }) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')))

const preflight = (app: TestApp, path: string, origin: string) =>
  app.request('OPTIONS', path, {
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,idempotency-key',
    },
  })

const asked = (app: TestApp, path: string, origin?: string) =>
  app.request('GET', path, origin === undefined ? {} : { headers: { origin } })

describe.each(adapters)('CORS on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter, environment: { CORS_ORIGINS: `${ours},http://localhost:5173` } })
  })
  afterAll(() => app.close())

  it.each(['/api/v1/auth/login', '/api/v1/me/sessions', '/trpc/auth.login', '/trpc/auth.me,sessions.list'])(
    'a preflight for %s from a configured origin is told what it may send',
    async (path) => {
      const reply = await preflight(app, path, ours)
      expect([reply.status, reply.text]).toEqual([204, ''])
      expect(corsHeadersOf(reply)).toMatchObject({
        'access-control-allow-origin': ours,
        'access-control-max-age': '86400',
      })
      const allowed = reply.headers.get('access-control-allow-headers')?.toLowerCase().split(', ')
      for (const name of [
        'authorization',
        'content-type',
        'idempotency-key',
        'if-none-match',
        'last-event-id',
        'x-request-id',
        'x-tenant-id',
        'traceparent',
      ]) {
        expect(allowed).toContain(name)
      }
      const methods = reply.headers.get('access-control-allow-methods')?.split(', ')
      expect(methods).toEqual(expect.arrayContaining(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']))
      expect(reply.headers.get('vary')).toContain('Origin')
    },
  )

  it.each([
    ['an answer', '/healthz', 200],
    ['a refusal', '/api/v1/auth/me', 401],
    ['a path that is none', '/nowhere', 404],
    ['tRPC', '/trpc/auth.me', 401],
  ])('%s can be read from a configured origin, with the headers that clients need', async (_name, path, status) => {
    const reply = await asked(app, path, ours)
    expect([reply.status, reply.headers.get('access-control-allow-origin')]).toEqual([status, ours])
    const exposed = reply.headers.get('access-control-expose-headers')?.split(', ')
    expect(exposed).toEqual(expect.arrayContaining(['ETag', 'Idempotent-Replay', 'Retry-After', 'X-Request-ID']))
    expect(reply.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
  })

  it('answers each configured origin by its own name', async () => {
    const reply = await asked(app, '/healthz', 'http://localhost:5173')
    expect(reply.headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
  })

  it.each([
    'https://evil.example.org',
    'https://app.example.org.evil.example',
    'http://app.example.org',
    'https://app.example.org:8443',
    'https://APP.example.org',
    'null',
  ])('%s may read nothing', async (origin) => {
    for (const path of ['/healthz', '/api/v1/auth/me', '/trpc/auth.me']) {
      const reply = await asked(app, path, origin)
      expect(corsHeadersOf(reply)).toEqual({})
      expect(reply.headers.get('cross-origin-resource-policy')).toBe('same-origin')
    }
    expect(corsHeadersOf(await preflight(app, '/api/v1/auth/login', origin))).toEqual({})
  })

  it.each(['/healthz', '/api/v1/auth/me', '/trpc/auth.me'])(
    '%s tells caches that the reply depends on the origin, also when none is sent',
    async (path) => {
      for (const origin of [ours, 'https://evil.example.org', undefined]) {
        expect((await asked(app, path, origin)).headers.get('vary')).toContain('Origin')
      }
    },
  )

  it('never allows cookies', async () => {
    for (const reply of [await asked(app, '/healthz', ours), await preflight(app, '/api/v1/auth/login', ours)]) {
      expect(reply.headers.get('access-control-allow-credentials')).toBeNull()
    }
  })

  it('without CORS_ORIGINS no page of another origin may read anything', async () => {
    const closed = await startApp({ adapter })
    try {
      const reply = await asked(closed, '/healthz', ours)
      const flight = await preflight(closed, '/api/v1/auth/login', ours)
      expect([corsHeadersOf(reply), corsHeadersOf(flight), flight.status]).toEqual([{}, {}, 204])
    } finally {
      await closed.close()
    }
  })

  it('with * every page may, and is not named', async () => {
    const open = await startApp({ adapter, environment: { CORS_ORIGINS: '*' } })
    try {
      const reply = await asked(open, '/healthz', 'https://anybody.example')
      expect(reply.headers.get('access-control-allow-origin')).toBe('*')
      expect(reply.headers.get('access-control-allow-credentials')).toBeNull()
    } finally {
      await open.close()
    }
  })
})
