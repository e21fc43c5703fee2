import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { RawHttp } from './support/rawHttp.ts'
import type { Reply } from './support/request.ts'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'geolocation=(), microphone=(), camera=()',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

describe.each(adapters)('the edges of REST on %s', (adapter) => {
  let app: TestApp
  let account: Account
  beforeAll(async () => {
    app = await startApp({ adapter })
    account = await register(app)
  })
  afterAll(() => app.close())

  const code = ({ body }: Reply) => body.error?.code

  it.each([
    '/',
    '/nowhere',
    '/api',
    '/api/v1',
    '/api/v1/nowhere',
    '/api/v1/auth/me/',
    '/api/v1/auth//me',
    '/API/v1/auth/me',
    '/api/v1/auth/me%2F',
    '/api/v1/me/sessions/',
    '/healthz/',
    '/trpc',
    '/trpc/auth/me',
    '/admin/nowhere',
    '/.env',
  ])('%s leads nowhere: 404 in the envelope, for the anonymous as for a person', async (path) => {
    for (const token of [undefined, account.accessToken, 'nonsense']) {
      const reply = await app.request('GET', path, token === undefined ? {} : { token })
      expect([reply.status, reply.body]).toEqual([
        404,
        {
          success: false,
          error: { code: 'route.not_found', message: 'There is nothing at this path.' },
          request_id: reply.headers.get('x-request-id'),
        },
      ])
    }
  })

  it.each([
    ['DELETE', '/api/v1/auth/me', 'GET, HEAD, OPTIONS'],
    ['GET', '/api/v1/auth/login', 'OPTIONS, POST'],
    ['HEAD', '/api/v1/auth/login', 'OPTIONS, POST'],
    ['POST', '/api/v1/me/sessions', 'DELETE, GET, HEAD, OPTIONS'],
    ['GET', `/api/v1/me/sessions/${randomUUID()}`, 'DELETE, OPTIONS'],
    ['POST', '/healthz', 'GET, HEAD, OPTIONS'],
    ['PUT', '/trpc/auth.me', 'GET, HEAD, OPTIONS, POST'],
  ])('%s %s is 405 and names what the path answers to', async (method, path, allow) => {
    const reply = await app.request(method, path)
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, allow])
    if (method !== 'HEAD') expect(code(reply)).toBe('route.method_not_allowed')
  })

  it('a method in lower case is another method', async () => {
    const client = new RawHttp(Number(new URL(app.url).port))
    client.send('get /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect((await client.response())?.status ?? 400).toBeGreaterThanOrEqual(400)
    client.socket.destroy()
  })

  it.each(['/api/v1/auth/me', '/api/v1/me/sessions', '/healthz', '/.well-known/jwks.json'])(
    'HEAD %s answers as GET does, without the body',
    async (path) => {
      const asked = { token: account.accessToken, headers: { 'x-request-id': 'the-same' } }
      const get = await app.request('GET', path, asked)
      const head = await app.request('HEAD', path, asked)
      expect([head.status, head.text]).toEqual([get.status, ''])
      const ofReply = ({ headers }: Reply) =>
        [...headers].filter(([name]) => !['connection', 'date', 'keep-alive'].includes(name))
      expect(ofReply(head)).toEqual(ofReply(get))
    },
  )

  it('HEAD is refused as GET is', async () => {
    const reply = await app.request('HEAD', '/api/v1/auth/me')
    expect([reply.status, reply.text, reply.headers.get('www-authenticate')]).toEqual([401, '', 'Bearer'])
  })

  it.each([
    ['/api/v1/auth/me', 'GET, HEAD, OPTIONS'],
    ['/api/v1/auth/login', 'OPTIONS, POST'],
    [`/api/v1/me/sessions/${randomUUID()}`, 'DELETE, OPTIONS'],
  ])('OPTIONS %s says what the path answers to, to anybody', async (path, allow) => {
    const reply = await app.request('OPTIONS', path)
    expect([reply.status, reply.text, reply.headers.get('allow')]).toEqual([204, '', allow])
  })

  it('OPTIONS of a path that is none is 404', async () => {
    expect((await app.request('OPTIONS', '/nowhere')).status).toBe(404)
  })

  const kinds: [string, number, () => Promise<Reply>][] = [
    ['an answer', 200, () => app.request('GET', '/api/v1/auth/me', { token: account.accessToken })],
    ['a page', 200, () => app.request('GET', '/docs')],
    ['an answer without a body', 204, () => app.request('OPTIONS', '/api/v1/auth/me')],
    ['not modified', 304, () => app.request('GET', '/.well-known/jwks.json', { headers: { 'if-none-match': '*' } })],
    ['bad input', 400, () => app.request('POST', '/api/v1/auth/login', { body: '{' })],
    ['no credentials', 401, () => app.request('GET', '/api/v1/auth/me')],
    ['no path', 404, () => app.request('GET', '/nowhere')],
    ['no method', 405, () => app.request('PUT', '/healthz')],
    ['too much', 413, () => app.request('POST', '/api/v1/auth/login', { body: 'x'.repeat(1_048_577) })],
    [
      'no JSON',
      415,
      () => app.request('POST', '/api/v1/auth/login', { body: 'x', headers: { 'content-type': 'text/plain' } }),
    ],
    ['a call over tRPC', 404, () => app.request('GET', '/trpc/no.where')],
  ]
  it.each(kinds)('%s (%d) carries the security headers and a request id', async (_name, status, ask) => {
    const reply = await ask()
    expect(reply.status).toBe(status)
    expect(Object.fromEntries(reply.headers)).toMatchObject(securityHeaders)
    expect(reply.headers.get('x-request-id')).toMatch(uuid)
    expect(reply.headers.get('server')).toBeNull()
    expect(reply.headers.get('x-powered-by')).toBeNull()
  })

  it.each([
    ['a word', 'abc-DEF_1.2'],
    ['128 characters', 'x'.repeat(128)],
  ])('X-Request-ID of %s is kept in header, body and log', async (_name, id) => {
    const reply = await app.request('GET', '/api/v1/auth/me', { headers: { 'x-request-id': id } })
    expect([reply.headers.get('x-request-id'), reply.body.request_id]).toEqual([id, id])
    expect(app.logged.some((line) => JSON.parse(line).request_id === id)).toBe(true)
    const trpc = await app.request('GET', '/trpc/auth.me', { headers: { 'x-request-id': id } })
    expect([trpc.headers.get('x-request-id'), trpc.body.error.data.request_id]).toEqual([id, id])
  })

  it.each([
    ['129 characters', 'x'.repeat(129)],
    ['a space', 'a b'],
    ['a quotation mark', 'a"b'],
    ['nothing', ''],
    ['markup', '<b>'],
    ['a comma', 'a,b'],
  ])('X-Request-ID of %s is replaced by a UUID, the same in header, body and log', async (_name, sent) => {
    const reply = await app.request('GET', '/api/v1/auth/me', { headers: { 'x-request-id': sent } })
    const id = reply.headers.get('x-request-id')
    expect(id).toMatch(uuid)
    expect(reply.body.request_id).toBe(id)
    const lines = app.logged.filter((line) => JSON.parse(line).request_id === id)
    expect(lines).toHaveLength(1)
  })

  it('every request without an id gets another one', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await app.request('GET', '/livez')).body.request_id),
    )
    expect(new Set(ids).size).toBe(20)
  })

  it.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/jsonx', 415],
    ['application/json+x', 415],
    ['', 415],
    ['application/json', 401],
    ['Application/JSON ; charset=utf-8', 401],
  ])('a body of type %j is answered %d', async (type, status) => {
    const body = JSON.stringify({ email: 'nobody@example.org', password: 'not the password' })
    const reply = await app.request('POST', '/api/v1/auth/login', { body, headers: { 'content-type': type } })
    expect(reply.status).toBe(status)
    if (status === 415) expect(code(reply)).toBe('request.unsupported_media_type')
  })

  it.each(['gzip', 'br', 'identity, gzip'])('a body with content encoding %s is 415', async (encoding) => {
    const reply = await app.request('POST', '/api/v1/auth/login', {
      body: '{}',
      headers: { 'content-encoding': encoding },
    })
    expect([reply.status, code(reply)]).toEqual([415, 'request.unsupported_media_type'])
  })

  it('a chunked body is read as any other, and is 413 when it goes on too long', async () => {
    const send = (bytes: number) => {
      const chunk = Buffer.from('x'.repeat(65_536))
      let left = bytes
      const body = new ReadableStream({
        pull(controller) {
          if (left <= 0) return controller.close()
          controller.enqueue(chunk.subarray(0, left))
          left -= chunk.length
        },
      })
      const headers = { 'content-type': 'application/json' }
      return fetch(`${app.url}/api/v1/auth/login`, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
    }
    expect((await send(1000)).status).toBe(400)
    expect((await send(1_200_000)).status).toBe(413)
  })

  it('BODY_LIMIT_BYTES moves the limit', async () => {
    const small = await startApp({ adapter, environment: { BODY_LIMIT_BYTES: '100' } })
    try {
      const send = (length: number) =>
        small.request('POST', '/api/v1/auth/login', { body: JSON.stringify({ email: 'x'.repeat(length - 12) }) })
      expect((await send(100)).status).toBe(400)
      expect((await send(101)).status).toBe(413)
    } finally {
      await small.close()
    }
  })

  it('answers JSON in UTF-8 and says so', async () => {
    const reply = await app.request('GET', '/api/v1/auth/me', { token: account.accessToken })
    expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8')
  })
})
