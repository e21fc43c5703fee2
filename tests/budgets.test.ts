import { randomUUID } from 'node:crypto'
import { BlockList } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { clientKey, createClientAddress } from '../server/http/clientAddress.ts'
import type { Exchange } from '../server/http/exchange.ts'
import { login, password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'

describe.each(adapters)('budgets on %s', { timeout: 120_000 }, (adapter) => {
  let app: TestApp
  afterEach(() => app.close())
  const start = async (environment = {}) => {
    app = await startApp({ adapter, environment: { RATE_LIMIT_PER_MINUTE: '100000', ...environment } })
  }
  const me = (token: string) => app.request('GET', '/api/v1/auth/me', { token })
  const attempt = (email: string, secret: string, headers = {}) =>
    app.request('POST', '/api/v1/auth/login', { body: { email, password: secret }, headers })

  it('tell a caller what is left, by session and rate class', async () => {
    await start()
    const account = await register(app)
    const other = await login(app, account.email)
    const first = await me(account.accessToken)
    expect(first.headers.get('ratelimit-policy')).toBe('"read";q=600;w=60')
    expect(first.headers.get('ratelimit')).toMatch(/^"read";r=599;t=\d+$/)
    expect((await me(account.accessToken)).headers.get('ratelimit')).toMatch(/r=598/)
    expect((await me(other.accessToken)).headers.get('ratelimit')).toMatch(/r=599/)
    const write = await app.request('DELETE', '/api/v1/me/sessions', { token: other.accessToken })
    expect(write.headers.get('ratelimit')).toMatch(/^"write";r=119;/)
  })

  it('stop a caller beyond the budget of the class with 429 and when to come back, and nobody else', async () => {
    await start()
    const account = await register(app)
    const other = await register(app)
    const replies = await Promise.all(Array.from({ length: 610 }, () => me(account.accessToken)))
    const statuses = replies.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(600)
    const refused = replies.find(({ status }) => status === 429)
    expect(refused?.body.error.code).toBe('rate_limited')
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await me(other.accessToken)).status).toBe(200)
  })

  it('let an address try 30 credentials a minute', async () => {
    await start()
    const statuses = []
    for (let round = 0; round < 32; round += 1)
      statuses.push((await attempt(`${randomUUID()}@example.org`, 'x')).status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(30)
    expect(statuses.slice(30)).toEqual([429, 429])
  })

  it('give an account ten guesses, from however many addresses and at once, and answer all alike', async () => {
    await start({ TRUSTED_PROXIES: '127.0.0.1', HASH_QUEUE_LENGTH: '500' })
    const account = await register(app)
    const from = (index: number) => ({ 'x-forwarded-for': `198.51.100.${index % 250}` })
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        attempt(account.email, index === 150 ? password : 'wrong', from(index)),
      ),
    )
    const answers = new Set(replies.map(({ status, body }) => `${status} ${JSON.stringify(body.error ?? 'in')}`))
    const unknown = await attempt(`${randomUUID()}@example.org`, 'wrong', from(251))
    const right = await attempt(account.email, password, from(252))
    expect(answers).toEqual(new Set([`401 ${JSON.stringify(unknown.body.error)}`]))
    expect([right.status, right.body.error]).toEqual([401, unknown.body.error])
    // Whoever is signed in stays so.
    expect((await me(account.accessToken)).status).toBe(200)
  })

  it('do not count a right password as a guess', async () => {
    await start()
    const { email } = await register(app)
    for (let round = 0; round < 15; round += 1) expect((await attempt(email, password)).status).toBe(200)
  })

  it('believe X-Forwarded-For from a trusted proxy alone', async () => {
    await start({ RATE_LIMIT_PER_MINUTE: '2' })
    const forged = (index: number) => ({ 'x-forwarded-for': `198.51.100.${index}` })
    const statuses = []
    for (let index = 0; index < 3; index += 1)
      statuses.push((await attempt('a@example.org', 'x', forged(index))).status)
    expect(statuses).toEqual([401, 401, 429])
    await app.close()
    await start({ RATE_LIMIT_PER_MINUTE: '2', TRUSTED_PROXIES: '127.0.0.1' })
    for (let index = 0; index < 3; index += 1) {
      expect((await attempt('a@example.org', 'x', forged(index))).status).toBe(401)
    }
    const account = await register(app)
    await app.request('POST', '/api/v1/auth/login', { body: { email: account.email, password }, headers: forged(9) })
    const listed = await app.request('GET', '/api/v1/me/sessions', { token: account.accessToken })
    expect(listed.body.data.items.map(({ ip }: { ip: string }) => ip)).toContain('198.51.100.9')
  })
})

describe('the address of a client', () => {
  const trusted = new BlockList()
  trusted.addSubnet('10.0.0.0', 8, 'ipv4')
  const addressOf = createClientAddress(trusted, true)
  const seen = (peerAddress: string, forwarded?: string) =>
    addressOf({ peerAddress, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } } as Exchange)

  it.each([
    ['198.51.100.1', '203.0.113.7', '198.51.100.1'],
    ['10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', '192.0.2.66, 203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', '192.0.2.66, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['10.0.0.1', '203.0.113.7:4711', '203.0.113.7'],
    ['10.0.0.1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['10.0.0.1', 'nonsense', '10.0.0.1'],
    ['10.0.0.1', '', '10.0.0.1'],
    ['10.0.0.1', undefined, '10.0.0.1'],
  ])('from %s with %s is %s', (peer, forwarded, address) => {
    expect(seen(peer, forwarded)).toBe(address)
  })

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s counts as %s', (address, key) => {
    expect(clientKey(address)).toBe(key)
  })
})
