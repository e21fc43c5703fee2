import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Clock } from '../client-sdk/clock.ts'
import { newIdempotencyKey } from '../client-sdk/idempotencyKey.ts'
import {
  type ClientOptions,
  createClient,
  isFailure,
  type KeptTokens,
  localStorageStore,
  memoryStore,
  type SessionStore,
} from '../client-sdk/index.ts'

/** One call as the fake server got it; `count` numbers the calls to its path from 1. */
interface Received {
  readonly path: string
  readonly input: unknown
  readonly headers: IncomingMessage['headers']
  readonly count: number
}

/** `hang` never answers, `cut` breaks the connection, `page` is what a proxy says. */
type Reply =
  | { readonly data?: unknown }
  | {
      readonly status: number
      readonly code: string
      readonly meta?: object
      readonly headers?: Record<string, string>
    }
  | { readonly page: number }
  | { readonly envelope: number; readonly code: string }
  | 'hang'
  | 'cut'

type Answer = (call: Received) => Reply | Promise<Reply>

const servers: Server[] = []

afterEach(() => {
  vi.unstubAllGlobals()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const readBody = async (request: IncomingMessage) => {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

/** A server that speaks tRPC's wire as ours does, and answers what a test wants. */
const startFake = async (answer: Answer) => {
  const requests: { method: string; url: string; body: string; headers: IncomingMessage['headers'] }[] = []
  const calls: Received[] = []
  const take = (path: string, input: unknown, headers: IncomingMessage['headers']) => {
    const call = { path, input, headers, count: calls.filter((earlier) => earlier.path === path).length + 1 }
    calls.push(call)
    return answer(call)
  }
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://fake')
    const body = await readBody(request)
    requests.push({ method: request.method ?? '', url: request.url ?? '', body, headers: request.headers })
    const paths = decodeURIComponent(url.pathname.slice('/trpc/'.length)).split(',')
    const isBatch = url.searchParams.get('batch') === '1'
    const input = JSON.parse(body || (url.searchParams.get('input') ?? 'null'))
    const inputs = isBatch ? paths.map((_, index) => input?.[index]) : [input]
    const replies = await Promise.all(paths.map((path, index) => take(path, inputs[index], request.headers)))
    send(response, replies, isBatch)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, requests, calls, of: (path: string) => calls.filter((call) => call.path === path) }
}

const send = (response: ServerResponse, replies: readonly Reply[], isBatch: boolean) => {
  const [first = 'cut'] = replies
  if (first === 'hang') return
  if (first === 'cut') return response.destroy()
  if ('page' in first) return response.writeHead(first.page, { 'content-type': 'text/html' }).end('<h1>no</h1>')
  if ('envelope' in first) {
    const body = { success: false, error: { code: first.code, message: 'No.' }, request_id: 'r-envelope' }
    response.writeHead(first.envelope, { 'content-type': 'application/json', 'x-request-id': 'r-envelope' })
    return response.end(JSON.stringify(body))
  }
  const items = replies.map(itemOf)
  const status = 'status' in first ? first.status : 200
  const headers = 'status' in first ? first.headers : {}
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(isBatch ? items : items[0]))
}

const itemOf = (reply: Reply) => {
  if (typeof reply === 'string' || !('status' in reply)) return { result: { data: (reply as { data?: unknown }).data } }
  const { status, code, meta } = reply
  const data = { code: 'X', httpStatus: status, path: 'x', failure: { code, meta }, request_id: 'r-1' }
  return { error: { message: `sentence of ${code}`, code: -32000, data } }
}

/** A clock that stands still and notes how long it was asked to sleep. */
const stillClock = (chance = 0): Clock & { slept: number[]; time: number } => {
  const clock = {
    slept: [] as number[],
    time: Date.parse('2030-01-01T00:00:00Z'),
    now: () => clock.time,
    random: () => chance,
    sleep: async (ms: number) => void clock.slept.push(ms),
  }
  return clock
}

const user = { id: 'u-1', email: 'a@example.org' }

const tokens = (serial: number, expiresAt = '2030-01-01T01:00:00Z') => ({
  access_token: `access-${serial}`,
  refresh_token: `refresh-${serial}`,
  token_type: 'Bearer' as const,
  expires_at: expiresAt,
})

const kept = (serial: number, expiresAt?: string): KeptTokens => ({
  ...tokens(serial, expiresAt),
  user_id: user.id,
  refresh_key: `key-${serial}`,
})

const invalid = { status: 401, code: 'auth.invalid' } as const

/** Takes only the token with this serial, and hands out the next one. */
const serving =
  (serial: number, others: Answer = () => ({ data: user })): Answer =>
  (call) => {
    if (call.path === 'auth.refresh') return { data: tokens(serial) }
    if (call.headers.authorization !== `Bearer access-${serial}`) return invalid
    return others(call)
  }

const clientFor = (url: string, options: Partial<ClientOptions> = {}) => {
  const clock = stillClock()
  return { clock, client: createClient({ url, clock, ...options }) }
}

const credentials = { email: 'a@example.org', password: 'correct horse' }

describe('requests', () => {
  it('sends queries of one moment together, and those of another tenant apart', async () => {
    const fake = await startFake(({ path }) => ({ data: path }))
    const { client } = clientFor(fake.url)
    const answers = await Promise.all([
      client.auth.me(),
      client.sessions.list({ limit: 3 }),
      client.auth.me(undefined, { tenantId: 't-1' }),
    ])
    expect(answers).toEqual(['auth.me', 'sessions.list', 'auth.me'])
    expect(fake.requests).toHaveLength(2)
    expect(fake.calls.map((call) => call.headers['x-tenant-id'])).toEqual([undefined, undefined, 't-1'])
    expect(fake.of('sessions.list')[0]?.input).toEqual({ limit: 3 })
  })

  it('sends each query alone without batching', async () => {
    const fake = await startFake(() => ({ data: 1 }))
    const { client } = clientFor(fake.url, { batch: false })
    await Promise.all([client.auth.me(), client.sessions.list()])
    expect(fake.requests).toHaveLength(2)
    expect(fake.of('sessions.list')[0]?.input).toEqual({})
  })

  it('splits batches before their address grows past 8 KiB, and sends a long query in a body', async () => {
    const fake = await startFake(() => ({ data: { items: [], next_cursor: null } }))
    const { client } = clientFor(fake.url)
    await Promise.all(Array.from({ length: 10 }, (_, i) => client.sessions.list({ cursor: `${i}`.repeat(2_000) })))
    expect(fake.requests.length).toBeGreaterThan(2)
    expect(fake.requests.every(({ url }) => url.length < 8_192)).toBe(true)
    await client.sessions.list({ cursor: 'x'.repeat(9_000) })
    expect(fake.requests.at(-1)).toMatchObject({ method: 'POST', url: '/trpc/sessions.list' })
  })

  it('sends each mutation alone under a key of its own', async () => {
    const fake = await startFake(() => ({}))
    const { client } = clientFor(fake.url)
    await Promise.all([
      client.sessions.revoke({ id: '1' }),
      client.sessions.revoke({ id: '2' }, { idempotencyKey: 'mine' }),
      client.auth.logout(),
    ])
    expect(fake.requests).toHaveLength(3)
    const [first, second] = fake.of('sessions.revoke').map((call) => call.headers['idempotency-key'])
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
    expect(second).toBe('mine')
    expect(fake.of('auth.logout')[0]?.headers['idempotency-key']).toBeUndefined()
  })

  it('sends an API key, a tenant and fixed headers', async () => {
    const fake = await startFake(() => ({ data: user }))
    const options = { apiKey: 'tf_key', tenantId: () => 't-9', headers: { 'x-app': 'web' } }
    await clientFor(fake.url, options).client.auth.me()
    expect(fake.calls[0]?.headers).toMatchObject({
      authorization: 'Bearer tf_key',
      'x-tenant-id': 't-9',
      'x-app': 'web',
    })
  })

  it('makes a UUID where randomUUID is missing', () => {
    const key = newIdempotencyKey({ getRandomValues: (bytes) => bytes.fill(255) })
    expect(key).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff')
  })
})

describe('failures', () => {
  it('carry what the server said', async () => {
    const meta = { fields: { email: 'must be a valid email' } }
    const fake = await startFake(() => ({ status: 400, code: 'validation', meta }))
    const error = await clientFor(fake.url)
      .client.auth.login(credentials)
      .catch((caught: unknown) => caught)
    expect(isFailure(error)).toBe(true)
    expect(isFailure(error, 'rate_limited')).toBe(false)
    if (!isFailure(error, 'validation')) throw error
    const { code, status, requestId, fields, message } = error
    expect({ code, status, requestId, fields, message }).toEqual({
      code: 'validation',
      status: 400,
      requestId: 'r-1',
      fields: meta.fields,
      message: 'sentence of validation',
    })
    expect(fake.calls).toHaveLength(1)
  })

  it('are told apart within a batch', async () => {
    const fake = await startFake(({ path }) =>
      path === 'auth.me' ? { data: user } : { status: 400, code: 'cursor.invalid' },
    )
    const { client } = clientFor(fake.url)
    const [me, list] = await Promise.allSettled([client.auth.me(), client.sessions.list({ cursor: 'x' })])
    expect(fake.requests).toHaveLength(1)
    expect(me).toMatchObject({ value: user })
    expect(list).toMatchObject({ reason: { code: 'cursor.invalid' } })
  })

  it('of the envelope are read too', async () => {
    const fake = await startFake(() => ({ envelope: 404, code: 'route.not_found' }))
    for (const batch of [true, false]) {
      const { client } = clientFor(fake.url, { batch })
      await expect(client.auth.me()).rejects.toMatchObject({
        code: 'route.not_found',
        status: 404,
        requestId: 'r-envelope',
      })
    }
  })

  it('of something in between are not taken for an answer', async () => {
    const fake = await startFake(() => ({ page: 200 }))
    await expect(clientFor(fake.url).client.auth.me()).rejects.toMatchObject({ code: 'client.unreadable', status: 200 })
  })

  it('of the connection say that nobody was reached', async () => {
    const { client } = clientFor('http://127.0.0.1:9')
    await expect(client.auth.me()).rejects.toMatchObject({ code: 'client.unreachable', status: undefined })
  })
})

describe('retries', () => {
  const passing: [string, Reply][] = [
    ['a cut connection', 'cut'],
    ['429', { status: 429, code: 'rate_limited' }],
    ['503', { status: 503, code: 'overloaded' }],
    ['a 502 of a proxy', { page: 502 }],
    ['a 503 in the envelope', { envelope: 503, code: 'overloaded' }],
    ['a call still in progress', { status: 409, code: 'idempotency.in_progress' }],
  ]
  it.each(passing)('repeat a query and a keyed mutation after %s', async (_, reply) => {
    const fake = await startFake(({ count }) => (count < 3 ? reply : { data: { revoked: 1 } }))
    const { client, clock } = clientFor(fake.url)
    await client.auth.me()
    await client.sessions.revokeOthers()
    expect(clock.slept).toEqual([125, 250, 125, 250])
    const keys = fake.of('sessions.revokeOthers').map((call) => call.headers['idempotency-key'])
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
  })

  it('send the same bytes again', async () => {
    const fake = await startFake(({ count }) => (count < 3 ? 'cut' : {}))
    await clientFor(fake.url).client.auth.changePassword({ current_password: 'a', new_password: 'b' })
    expect(new Set(fake.requests.map(({ body }) => body)).size).toBe(1)
  })

  it('end after two, or as many as the caller says', async () => {
    const fake = await startFake(() => ({ status: 503, code: 'unavailable' }))
    const { client } = clientFor(fake.url)
    await expect(client.auth.me()).rejects.toMatchObject({ code: 'unavailable' })
    expect(fake.calls).toHaveLength(3)
    await expect(client.auth.me(undefined, { retries: 0 })).rejects.toMatchObject({ code: 'unavailable' })
    expect(fake.calls).toHaveLength(4)
  })

  it('do not repeat a mutation that takes no key, nor what will fail again', async () => {
    const fake = await startFake(({ path }) => (path === 'auth.logout' ? 'cut' : { status: 500, code: 'internal' }))
    const { client } = clientFor(fake.url)
    await expect(client.auth.logout()).rejects.toMatchObject({ code: 'client.unreachable' })
    await expect(client.auth.me()).rejects.toMatchObject({ code: 'internal' })
    expect(fake.calls).toHaveLength(2)
  })

  it('wait as long as Retry-After asks, but not beyond a minute', async () => {
    const refusal = (seconds: string) => ({ status: 429, code: 'rate_limited', headers: { 'retry-after': seconds } })
    const fake = await startFake(({ count }) => (count === 1 ? refusal('7') : refusal('61')))
    const { client, clock } = clientFor(fake.url, { batch: false })
    await expect(client.auth.me()).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 61 })
    expect(clock.slept).toEqual([7_000])
  })

  it('are spread by chance', async () => {
    const fake = await startFake(() => 'cut')
    const clock = stillClock(0.5)
    await expect(createClient({ url: fake.url, clock, retries: 6 }).auth.me()).rejects.toThrow()
    expect(clock.slept).toEqual([187.5, 375, 750, 1_500, 3_000, 6_000])
  })
})

describe('time', () => {
  it('is given anew to each attempt', async () => {
    const fake = await startFake(({ count }) => (count < 3 ? 'hang' : { data: user }))
    const { client } = clientFor(fake.url, { timeoutMs: 60 })
    await expect(client.auth.me()).resolves.toEqual(user)
  })

  it('runs out', async () => {
    const fake = await startFake(() => 'hang')
    const { client } = clientFor(fake.url)
    await expect(client.auth.me(undefined, { timeoutMs: 30 })).rejects.toMatchObject({ code: 'client.timeout' })
    expect(fake.calls).toHaveLength(3)
  })

  it('may be without end', async () => {
    const fake = await startFake(() => ({ data: user }))
    const { client } = clientFor(fake.url, { timeoutMs: Number.POSITIVE_INFINITY })
    await expect(client.auth.me()).resolves.toEqual(user)
  })

  it('ends for one call of a batch and not for the other', async () => {
    const fake = await startFake(async () => {
      await new Promise((resolve) => setTimeout(resolve, 80))
      return { data: user }
    })
    const { client } = clientFor(fake.url, { retries: 0 })
    const calls = [client.auth.me(undefined, { timeoutMs: 20 }), client.auth.me()]
    const [short, long] = await Promise.allSettled(calls)
    expect(short).toMatchObject({ reason: { code: 'client.timeout' } })
    expect(long).toMatchObject({ value: user })
  })

  it('is given up by the caller, before, during and between attempts', async () => {
    const during = new AbortController()
    const fake = await startFake(({ count }) => {
      if (count === 1) during.abort('enough')
      return count === 1 ? 'hang' : 'cut'
    })
    const before = AbortSignal.abort()
    const { client } = clientFor(fake.url)
    await expect(client.auth.me(undefined, { signal: before })).rejects.toMatchObject({ code: 'client.aborted' })
    expect(fake.calls).toHaveLength(0)
    const call = client.auth.me(undefined, { signal: during.signal })
    await expect(call).rejects.toMatchObject({ code: 'client.aborted', cause: 'enough' })
    const between = new AbortController()
    const sleep = async () => between.abort()
    const sleepy = createClient({ url: fake.url, clock: { ...stillClock(), sleep } })
    await expect(sleepy.auth.me(undefined, { signal: between.signal })).rejects.toMatchObject({
      code: 'client.aborted',
    })
    expect(fake.calls).toHaveLength(2)
  })
})

describe('a session', () => {
  it('begins with signing in and ends with signing out', async () => {
    const fake = await startFake(({ path }) => ({ data: path === 'auth.login' ? { user, tokens: tokens(1) } : user }))
    const session = memoryStore()
    const { client } = clientFor(fake.url, { session })
    await client.auth.login(credentials)
    expect(await session.read()).toMatchObject({ ...tokens(1), user_id: 'u-1', refresh_key: expect.any(String) })
    await client.auth.me()
    await client.auth.logout()
    expect(await session.read()).toBeNull()
    await client.auth.me()
    const sent = fake.calls.map((call) => call.headers.authorization)
    expect(sent).toEqual([undefined, 'Bearer access-1', 'Bearer access-1', undefined])
  })

  it('is not ended by a sign-out that did not reach the server, but is by one the server knew nothing of', async () => {
    const fake = await startFake(({ path, count }) => (path === 'auth.logout' && count === 1 ? 'cut' : invalid))
    const session = memoryStore(kept(1))
    const { client } = clientFor(fake.url, { session })
    await expect(client.auth.logout()).rejects.toMatchObject({ code: 'client.unreachable' })
    expect(await session.read()).not.toBeNull()
    await client.auth.logout()
    expect(await session.read()).toBeNull()
  })

  it('is renewed once for all calls that find it ended, and each is sent again', async () => {
    const fake = await startFake(serving(2))
    const session = memoryStore(kept(1))
    const { client } = clientFor(fake.url, { session })
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => client.auth.me()),
      client.sessions.revokeOthers(),
    ])
    expect(answers).toEqual(Array.from({ length: 11 }, () => user))
    expect(fake.of('auth.refresh')).toHaveLength(1)
    expect(fake.of('auth.refresh')[0]).toMatchObject({ input: { refresh_token: 'refresh-1' } })
    expect(fake.of('auth.refresh')[0]?.headers['idempotency-key']).toBe('key-1')
    const keys = fake.of('sessions.revokeOthers').map((call) => call.headers['idempotency-key'])
    expect(keys).toHaveLength(2)
    expect(keys[0]).toBe(keys[1])
    expect(await session.read()).toMatchObject({ ...tokens(2), user_id: 'u-1' })
  })

  it('is not renewed for other refusals, and no more than once for a call', async () => {
    const fake = await startFake(({ path }) => {
      if (path === 'auth.refresh') return { data: tokens(2) }
      return path === 'auth.me' ? invalid : { status: 401, code: 'user.invalid_credentials' }
    })
    const { client } = clientFor(fake.url, { session: memoryStore(kept(1)) })
    const change = client.auth.changePassword({ current_password: 'a', new_password: 'b' })
    await expect(change).rejects.toMatchObject({ code: 'user.invalid_credentials' })
    expect(fake.of('auth.refresh')).toHaveLength(0)
    await expect(client.auth.me()).rejects.toMatchObject({ code: 'auth.invalid' })
    expect(fake.of('auth.me')).toHaveLength(2)
    expect(fake.of('auth.refresh')).toHaveLength(1)
  })

  it('is renewed before a call when it has ended, and behind the call when it is about to', async () => {
    const fake = await startFake(({ path }) => ({ data: path === 'auth.refresh' ? tokens(2) : user }))
    const ended = clientFor(fake.url, { session: memoryStore(kept(1, '2029-12-31T23:59:59Z')) })
    await ended.client.auth.me()
    expect(fake.calls.map((call) => call.headers.authorization ?? call.path)).toEqual([
      'auth.refresh',
      'Bearer access-2',
    ])
    const session = memoryStore(kept(1, '2030-01-01T00:00:20Z'))
    await clientFor(fake.url, { session }).client.auth.me()
    expect(fake.of('auth.me').at(-1)?.headers.authorization).toBe('Bearer access-1')
    await vi.waitFor(async () => expect(await session.read()).toMatchObject(tokens(2)))
  })

  it('is renewed early no more than once on a device whose clock is wrong', async () => {
    const fake = await startFake(({ path, count }) => ({
      data: path === 'auth.refresh' ? tokens(count + 1, '2029-01-01T00:00:00Z') : user,
    }))
    const { client } = clientFor(fake.url, { session: memoryStore(kept(1, '2029-01-01T00:00:00Z')) })
    for (let i = 0; i < 5; i += 1) await client.auth.me()
    expect(fake.of('auth.refresh')).toHaveLength(1)
  })

  it('asks with the same key after a lost answer: again, from another tab, and after a reload', async () => {
    const fake = await startFake(({ path }) => (path === 'auth.refresh' ? 'cut' : invalid))
    const session = memoryStore(kept(1))
    const clients = [clientFor(fake.url, { session }), clientFor(fake.url, { session })]
    await Promise.allSettled(clients.map(({ client }) => client.auth.me()))
    await expect(clientFor(fake.url, { session }).client.auth.me()).rejects.toMatchObject({
      code: 'client.unreachable',
    })
    const keys = fake.of('auth.refresh').map((call) => call.headers['idempotency-key'])
    expect(keys).toHaveLength(9)
    expect(new Set(keys)).toEqual(new Set(['key-1']))
    expect(await session.read()).toEqual(kept(1))
  })

  it('keeps to one key for tokens that came without one', async () => {
    const fake = await startFake(({ path }) => (path === 'auth.refresh' ? 'cut' : invalid))
    const { client } = clientFor(fake.url, { session: memoryStore(tokens(1)) })
    await client.auth.me().catch(() => {})
    await client.auth.me().catch(() => {})
    expect(new Set(fake.of('auth.refresh').map((call) => call.headers['idempotency-key'])).size).toBe(1)
  })

  it('is over when the server refuses to renew it', async () => {
    const reused = { status: 401, code: 'auth.token_reused' } as const
    const fake = await startFake(({ path }) => (path === 'auth.refresh' ? reused : invalid))
    const session = memoryStore(kept(1))
    const onSignedOut = vi.fn()
    const { client } = clientFor(fake.url, { session, onSignedOut })
    const ends = await Promise.allSettled([client.auth.me(), client.sessions.list()])
    expect(ends).toMatchObject([{ reason: { status: 401 } }, { reason: { status: 401 } }])
    expect(await session.read()).toBeNull()
    expect(onSignedOut).toHaveBeenCalledOnce()
    expect(onSignedOut.mock.calls[0]?.[0]).toMatchObject({ code: 'auth.token_reused' })
  })

  it('is not lost with the connection', async () => {
    const fake = await startFake(({ path }) => (path === 'auth.refresh' ? { page: 502 } : invalid))
    const session = memoryStore(kept(1))
    const onSignedOut = vi.fn()
    const { client } = clientFor(fake.url, { session, onSignedOut })
    await expect(client.auth.me()).rejects.toMatchObject({ status: 502 })
    expect(await session.read()).toEqual(kept(1))
    expect(onSignedOut).not.toHaveBeenCalled()
  })

  it('whose renewal stalls holds up nobody for longer than the time of a call', async () => {
    const fake = await startFake(({ path }) =>
      path === 'auth.refresh' ? 'hang' : { data: { user, tokens: tokens(3) } },
    )
    const session = memoryStore(kept(1, '2029-01-01T00:00:00Z'))
    const { client } = clientFor(fake.url, { session, timeoutMs: 10_000 })
    const waiting = [
      client.auth.me(undefined, { timeoutMs: 40 }),
      client.sessions.list({}, { signal: AbortSignal.timeout(40) }),
    ]
    await expect(client.auth.login(credentials)).resolves.toMatchObject({ user })
    const ends = await Promise.allSettled(waiting)
    expect(ends).toMatchObject([{ reason: { code: 'client.timeout' } }, { reason: { code: 'client.aborted' } }])
  })

  it('that was ended while it was renewed stays ended', async () => {
    const session = memoryStore(kept(1))
    const fake = await startFake(async ({ path }) => {
      if (path !== 'auth.refresh') return invalid
      await session.write(null)
      return { data: tokens(2) }
    })
    await expect(clientFor(fake.url, { session }).client.auth.me()).rejects.toMatchObject({ code: 'auth.invalid' })
    expect(await session.read()).toBeNull()
  })

  it('never sends a call again in the name of another person', async () => {
    const session = memoryStore(kept(1))
    const fake = await startFake(async () => {
      await session.write({ ...kept(7), user_id: 'u-2' })
      return invalid
    })
    const { client } = clientFor(fake.url, { session })
    await expect(client.sessions.revokeOthers()).rejects.toMatchObject({ code: 'auth.invalid' })
    expect(fake.calls).toHaveLength(1)
    expect(await session.read()).toMatchObject({ user_id: 'u-2' })
  })

  it('takes over tokens that the caller renewed', async () => {
    const fake = await startFake(() => ({ data: tokens(2) }))
    const session = memoryStore(kept(1))
    await clientFor(fake.url, { session }).client.auth.refresh({ refresh_token: 'refresh-1' })
    expect(await session.read()).toMatchObject({ ...tokens(2), user_id: 'u-1' })
  })
})

describe('tabs that share a store', () => {
  const locks = () => {
    let last: Promise<unknown> = Promise.resolve()
    const names: string[] = []
    const request = <T>(name: string, _: object, work: () => Promise<T>) => {
      names.push(name)
      const next = last.then(work, work)
      last = next.catch(() => {})
      return next
    }
    return { names, request }
  }

  const shared = (): SessionStore => ({ ...memoryStore(kept(1)), lockName: 'shared' })

  it('renew one after the other, the second with what the first got', async () => {
    const held = locks()
    vi.stubGlobal('navigator', { locks: held })
    const fake = await startFake(serving(2))
    const session = shared()
    const tabs = [clientFor(fake.url, { session }), clientFor(fake.url, { session })]
    await Promise.all(tabs.map(({ client }) => client.auth.me()))
    expect(held.names).toEqual(['shared', 'shared'])
    expect(fake.of('auth.refresh')).toHaveLength(1)
  })

  it('go on without the lock when it is not to be had', async () => {
    vi.stubGlobal('navigator', { locks: { request: () => Promise.reject(new Error('timed out')) } })
    const fake = await startFake(serving(2))
    await expect(clientFor(fake.url, { session: shared() }).client.auth.me()).resolves.toEqual(user)
  })

  it('end together when the second is told that the first was here', async () => {
    const session = shared()
    const fake = await startFake(async ({ path, headers }) => {
      if (path !== 'auth.refresh') return headers.authorization === 'Bearer access-2' ? { data: user } : invalid
      await session.write(kept(2))
      return { status: 401, code: 'auth.token_reused' }
    })
    const onSignedOut = vi.fn()
    await expect(clientFor(fake.url, { session, onSignedOut }).client.auth.me()).resolves.toEqual(user)
    expect(onSignedOut).not.toHaveBeenCalled()
  })

  it('keep it in localStorage, and nowhere without one', async () => {
    vi.stubGlobal('localStorage', undefined)
    const store = localStorageStore('session')
    await store.write(kept(1))
    expect(await store.read()).toBeNull()
    const items = new Map<string, string>()
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, text: string) => void items.set(key, text),
      removeItem: (key: string) => void items.delete(key),
    })
    await store.write(kept(1))
    expect(await store.read()).toEqual(kept(1))
    await store.write(null)
    expect(items.size).toBe(0)
    items.set('session', 'not JSON')
    expect(await store.read()).toBeNull()
  })
})
