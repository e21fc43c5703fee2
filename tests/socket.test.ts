import { createTRPCClient, createWSClient, TRPCClientError, wsLink } from '@trpc/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { Router } from '../client-sdk/index.ts'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { RawHttp } from './support/rawHttp.ts'
import { RawSocket } from './support/rawSocket.ts'

const limitBytes = 64 * 1024
const handshake = (path: string, extra = '') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${extra}\r\n`
const keyed = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'

describe.each(adapters)('sockets on %s', (adapter) => {
  let app: TestApp
  let ada: Account
  const closers: (() => unknown)[] = []

  const urlOf = (of: TestApp = app) => `${of.url.replace('http', 'ws')}/trpc`

  const raw = async (headers: Readonly<Record<string, string>> = {}, query = '', of: TestApp = app) => {
    const socket = new RawSocket(`${urlOf(of)}${query}`, headers)
    closers.push(() => socket.socket.terminate())
    return socket.open()
  }

  const connect = (connectionParams?: Record<string, string>, of: TestApp = app) => {
    const opened = { count: 0 }
    const client = createWSClient({
      url: () => urlOf(of),
      WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
      retryDelayMs: () => 0,
      onOpen: () => void opened.count++,
      ...(connectionParams ? { connectionParams } : {}),
    })
    closers.push(() => client.close())
    return { trpc: createTRPCClient<Router>({ links: [wsLink({ client })] }), client, opened }
  }

  const failureOf = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (!(error instanceof TRPCClientError)) throw new Error(`expected a failure, got ${String(error)}`)
    return error
  }

  beforeAll(async () => {
    app = await startApp({
      adapter,
      environment: { BODY_LIMIT_BYTES: String(limitBytes), CORS_ORIGINS: 'https://front.example' },
    })
    ada = await register(app)
  })
  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()))
  })
  afterAll(() => app.close())

  describe('wsLink', () => {
    it('queries, mutates and batches with the token of its first message', async () => {
      const { trpc, opened } = connect({ token: ada.accessToken })
      const made = trpc.tenants.create.mutate({ name: 'Mill', slug: `mill-${adapter}` })
      const [me, access] = await Promise.all([trpc.auth.me.query(), trpc.access.mine.query()])
      expect(me).toMatchObject({ id: ada.id, email: ada.email })
      expect(access).toEqual({ roles: [], permissions: [] })
      expect(await made).toMatchObject({ slug: `mill-${adapter}` })
      expect(opened.count).toBe(1)
    })

    it('works in the tenant that its first message names', async () => {
      const tenantId = '0198f0aa-7c00-7000-8000-000000000001'
      const { trpc } = connect({ token: ada.accessToken, tenant_id: tenantId })
      expect((await failureOf(trpc.access.mine.query())).data).toMatchObject({ failure: { code: 'tenant.forbidden' } })
    })

    it('fails as over HTTP, with an id for each call', async () => {
      const { trpc } = connect({ token: ada.accessToken })
      const error = await failureOf(trpc.tenants.create.mutate({ name: '', slug: 'a b' }))
      expect(error.message).toBe('Some fields are not valid; see meta.fields.')
      expect(error.shape).toMatchObject({ code: -32600 })
      const http = await app.request('POST', '/trpc/tenants.create', {
        token: ada.accessToken,
        body: { name: '', slug: 'a b' },
      })
      const { request_id: id, ...data } = error.data as Record<string, unknown>
      const { request_id: _, ...sameOverHttp } = http.body.error.data
      expect(data).toEqual(sameOverHttp)
      expect(id).toMatch(/^[0-9a-f-]{36}\.\d+$/)
      const again = await failureOf(trpc.tenants.create.mutate({ name: '', slug: 'a b' }))
      expect((again.data as { request_id: string }).request_id).not.toBe(id)
    })

    it('is told when its token is not good, at every call', async () => {
      const { trpc } = connect({ token: 'nonsense' })
      expect((await failureOf(trpc.auth.me.query())).data).toMatchObject({
        httpStatus: 401,
        failure: { code: 'auth.invalid' },
      })
      const anonymous = connect()
      expect((await failureOf(anonymous.trpc.auth.me.query())).data).toMatchObject({
        failure: { code: 'auth.missing_token' },
      })
    })

    it('is signed out with its session while the socket stays open', async () => {
      const bob = await register(app)
      const { trpc, opened } = connect({ token: bob.accessToken })
      await trpc.auth.me.query()
      await app.request('POST', '/api/v1/auth/logout', { token: bob.accessToken })
      expect((await failureOf(trpc.auth.me.query())).data).toMatchObject({ failure: { code: 'auth.invalid' } })
      expect(opened.count).toBe(1)
    })
  })

  describe('messages', () => {
    const authorization = () => ({ authorization: `Bearer ${ada.accessToken}` })
    const ask = (id: number, path: string, method = 'query', input?: unknown) => ({
      id,
      method,
      params: { path, input },
    })

    it('takes the Authorization header of the handshake', async () => {
      const socket = await raw(authorization())
      socket.send(ask(1, 'auth.me'))
      expect(await socket.next()).toMatchObject({ id: 1, result: { type: 'data', data: { id: ada.id } } })
    })

    it('answers a batch one by one', async () => {
      const socket = await raw(authorization())
      socket.send([ask(1, 'auth.me'), ask(2, 'auth.nope'), ask(3, 'access.mine')])
      const replies = [await socket.next(), await socket.next(), await socket.next()]
      expect(replies.map(({ id }) => id).sort()).toEqual([1, 2, 3])
      expect(replies.find(({ id }) => id === 2).error.data).toMatchObject({
        path: 'auth.nope',
        failure: { code: 'route.not_found' },
      })
    })

    it.each([
      ['a path that leads nowhere', 'auth.nope', 'query'],
      ['an inherited name', 'constructor', 'query'],
      ['a mutation called as a query', 'tenants.create', 'query'],
      ['a query called as a subscription', 'auth.me', 'subscription'],
    ])('says not found for %s', async (_, path, method) => {
      const socket = await raw(authorization())
      socket.send({ ...ask(5, path, method), jsonrpc: '2.0' })
      expect(await socket.next()).toMatchObject({
        id: 5,
        jsonrpc: '2.0',
        error: { code: -32004, data: { httpStatus: 404, path, failure: { code: 'route.not_found' } } },
      })
    })

    it.each([
      ['no JSON', '{'],
      ['no message of tRPC', '{"id":1,"method":"steal"}'],
      ['a batch with one that is none', '[{"id":1,"method":"query","params":{"path":"auth.me"}},7]'],
      ['a call without an id', '{"id":null,"method":"query","params":{"path":"auth.me"}}'],
      ['bytes', Buffer.from('{"id":1,"method":"query","params":{"path":"auth.me"}}')],
    ])('says malformed for %s, and goes on', async (_, message) => {
      const socket = await raw(authorization())
      socket.send(message)
      expect(await socket.next()).toMatchObject({
        id: null,
        error: { data: { failure: { code: 'request.malformed' } } },
      })
      socket.send(ask(2, 'auth.me'))
      expect(await socket.next()).toMatchObject({ id: 2, result: { type: 'data' } })
    })

    it('refuses each call of a batch that is too large', async () => {
      const socket = await raw(authorization())
      socket.send(Array.from({ length: 101 }, (_, id) => ask(id, 'auth.me')))
      for (let id = 0; id <= 100; id++) {
        expect(await socket.next()).toMatchObject({ id, error: { data: { failure: { code: 'request.malformed' } } } })
      }
    })

    it('has room for 200 calls at once and then for more', async () => {
      const release = await app.hold('lock table sessions in access exclusive mode')
      const socket = await raw(authorization())
      for (const first of [0, 100]) socket.send(Array.from({ length: 100 }, (_, id) => ask(first + id, 'auth.me')))
      socket.send(ask(200, 'auth.me'))
      expect(await socket.next()).toMatchObject({
        id: 200,
        error: { data: { httpStatus: 503, failure: { code: 'overloaded' } } },
      })
      socket.send(ask(7, 'auth.me'))
      expect(await socket.next()).toMatchObject({ id: 7, error: { data: { failure: { code: 'request.malformed' } } } })
      await release()
      for (let count = 0; count < 200; count++) expect(await socket.next()).toMatchObject({ result: { type: 'data' } })
      socket.send(ask(200, 'auth.me'))
      expect(await socket.next()).toMatchObject({ id: 200, result: { type: 'data' } })
    })

    it('answers PING with PONG and minds no PONG', async () => {
      const socket = await raw()
      socket.send('PONG')
      socket.send('PING')
      expect(await socket.text()).toBe('PONG')
    })

    it('closes over a message above the limit of bodies', async () => {
      const socket = await raw(authorization())
      socket.send(ask(1, 'auth.me', 'query', { text: 'x'.repeat(limitBytes - 1000) }))
      expect(await socket.next()).toMatchObject({ id: 1 })
      socket.send('x'.repeat(limitBytes + 1))
      expect((await socket.closed).code).toBe(adapter === 'uws' ? 1006 : 1009)
    })

    it('closes when the first message holds no connection params', async () => {
      const socket = await raw({}, '?connectionParams=1')
      socket.send('{"method":"connectionParams","data":{"token":7}}')
      expect(await socket.next()).toMatchObject({
        id: null,
        error: { data: { failure: { code: 'request.malformed' } } },
      })
      expect(await socket.closed).toEqual({ code: 1008, reason: 'the connection params could not be read' })
    })

    it('lets go of a client that does not read', async () => {
      const socket = await raw()
      socket.socket.pause()
      // The refusal repeats the path, so that this is 20 MB: more than the system keeps for both sides.
      const message = JSON.stringify(ask(1, 'x'.repeat(50_000)))
      for (let count = 0; count < 400; count++) {
        await new Promise<void>((resolve) => socket.socket.send(message, () => resolve()))
      }
      socket.socket.resume()
      expect(await socket.closed).toEqual({ code: 1013, reason: 'the client reads too slowly' })
    })
  })

  describe('handshakes', () => {
    const ask = async (bytes: string) => {
      const client = new RawHttp(Number(new URL(app.url).port))
      closers.push(() => client.socket.destroy())
      client.send(bytes)
      return client
    }

    it('are refused to pages of other origins', async () => {
      const host = new URL(app.url).host
      for (const origin of [
        'https://evil.example',
        `https://${host}.evil.example`,
        'null',
        'https://front.example.evil',
      ]) {
        const refused = await RawSocket.handshake(urlOf(), { origin })
        expect(refused.status).toBe(403)
        expect(JSON.parse(refused.body)).toMatchObject({ success: false, error: { code: 'request.origin_forbidden' } })
        expect(refused.headers).toMatchObject({
          'x-content-type-options': 'nosniff',
          'x-request-id': expect.any(String),
        })
      }
      for (const origin of ['https://front.example', app.url]) {
        expect((await RawSocket.handshake(urlOf(), { origin })).status).toBe(101)
      }
    })

    it('carry the request id', async () => {
      const { status, headers } = await RawSocket.handshake(urlOf(), { 'x-request-id': 'mine' })
      expect({ status, id: headers['x-request-id'] }).toEqual({ status: 101, id: 'mine' })
    })

    it('choose neither a subprotocol nor an extension', async () => {
      const client = await ask(
        handshake('/trpc', `${keyed}Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n`),
      )
      const reply = await client.response()
      expect(reply?.status).toBe(101)
      expect(reply?.headers).toMatchObject({
        upgrade: 'websocket',
        'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      })
      expect(reply?.headers).not.toHaveProperty('sec-websocket-protocol')
      expect(reply?.headers).not.toHaveProperty('sec-websocket-extensions')
    })

    it.each([
      ['a plain GET', 'GET /trpc HTTP/1.1\r\nHost: a\r\n\r\n', 404],
      ['a handshake without a key', handshake('/trpc', 'Sec-WebSocket-Version: 13\r\n'), 404],
      ['a handshake of another version', handshake('/trpc', keyed.replace('13', '8')), 404],
      ['a handshake elsewhere', handshake('/livez', keyed), 200],
      ['a handshake at a procedure', handshake('/trpc/auth.me', keyed), 401],
      ['an upgrade to HTTP/2', 'GET /livez HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n', 200],
      [
        'an upgrade to HTTP/2 with a body',
        'POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
        400,
      ],
    ])('%s is a request like any other, and so is what follows it', async (_, bytes, status) => {
      const client = await ask(bytes)
      expect((await client.response())?.status).toBe(status)
      client.send('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n')
      expect((await client.response())?.status).toBe(200)
    })

    it('with a defect are refused', async () => {
      const client = await ask(handshake('/trpc', `${keyed}Host: b\r\n`))
      expect((await client.response())?.status).toBe(400)
      await client.closed
    })
  })

  it('writes a line when a socket opens and when it closes, and never a token', async () => {
    const socket = await raw({ 'x-request-id': `lines-${adapter}` }, '?connectionParams=1')
    socket.send({ method: 'connectionParams', data: { token: ada.accessToken } })
    socket.send({ id: 1, method: 'query', params: { path: 'auth.me' } })
    await socket.next()
    socket.socket.close(1000)
    await socket.closed
    const lines = () =>
      app.logged
        .filter((line) => line.includes(`"lines-${adapter}"`))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    while (lines().length < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(lines()).toEqual([
      expect.objectContaining({ msg: 'request', status: 101, route: '/trpc', address: '127.0.0.1' }),
      expect.objectContaining({ msg: 'socket closed', code: 1000, calls: 1, user_id: ada.id, address: '127.0.0.1' }),
    ])
    expect(app.logged.some((line) => line.includes(ada.accessToken))).toBe(false)
  })

  describe('budgets', () => {
    let limited: TestApp
    beforeAll(async () => {
      limited = await startApp({ adapter, environment: { RATE_LIMIT_PER_MINUTE: '5' } })
    })
    afterAll(() => limited.close())

    it('are spent by what leads nowhere, and end a socket that sends nonsense', async () => {
      const socket = await raw({}, '', limited)
      const codes = []
      for (let id = 0; id < 6; id++) {
        socket.send({ id, method: 'query', params: { path: 'auth.nope' } })
        codes.push((await socket.next()).error.data.failure.code)
      }
      expect(codes).toEqual([...Array<string>(5).fill('route.not_found'), 'rate_limited'])
      socket.send('{')
      expect(await socket.closed).toEqual({ code: 1008, reason: 'rate_limited' })
      const { status } = await RawSocket.handshake(urlOf(limited), { origin: 'https://evil.example' })
      expect(status).toBe(429)
    })
  })

  describe('shutdown', () => {
    it('lets calls finish, asks clients to reconnect, then closes', async () => {
      const stopping = await startApp({ adapter })
      const bob = await register(stopping)
      const release = await stopping.hold('lock table sessions in access exclusive mode')
      const socket = await raw({ authorization: `Bearer ${bob.accessToken}` }, '', stopping)
      const idle = await raw({}, '', stopping)
      socket.send({ id: 1, method: 'query', params: { path: 'auth.me' } })
      await stopping.untilBlocked(1)
      const closing = stopping.close()
      expect(await socket.next()).toEqual({ id: null, method: 'reconnect' })
      expect(await idle.next()).toEqual({ id: null, method: 'reconnect' })
      await release()
      expect(await socket.next()).toMatchObject({ id: 1, result: { data: { id: bob.id } } })
      expect(await socket.closed).toEqual({ code: 1012, reason: 'the server stops' })
      expect((await idle.closed).code).toBe(1012)
      await closing
    })

    it('moves wsLink to another instance', async () => {
      const first = await startApp({ adapter })
      const second = await startApp({ adapter })
      closers.push(() => second.close())
      let target = first
      const client = createWSClient({
        url: () => urlOf(target),
        WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
        retryDelayMs: () => 0,
      })
      closers.push(() => client.close())
      const trpc = createTRPCClient<Router>({ links: [wsLink({ client })] })
      await failureOf(trpc.auth.me.query())
      target = second
      await first.close()
      expect((await failureOf(trpc.auth.me.query())).data).toMatchObject({ failure: { code: 'auth.missing_token' } })
    })
  })
})
