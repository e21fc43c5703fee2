import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClient } from '../client-sdk/index.ts'
import document from '../contract/openapi.json' with { type: 'json' }
import { createDocument } from '../server/rpc/document.ts'
import { type Account, password, register, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { type Caller, callerOf, said } from './support/caller.ts'
import { until } from './support/consumerScene.ts'
import { labs, startLabs } from './support/flagScene.ts'
import { grant } from './support/grants.ts'
import { readScrape, total } from './support/scrape.ts'
import { ask, mutate } from './support/trpcCall.ts'

describe.each(adapters)('flags on %s', (adapter) => {
  let app: TestApp
  let admin: Account
  let ada: Account
  let bob: Account
  let manage: Caller
  const tenant = { id: '' }

  beforeAll(async () => {
    app = await startLabs({ adapter })
    admin = await registerAdmin(app)
    ada = await register(app)
    bob = await register(app)
    manage = callerOf(app, admin)
    const made = await callerOf(app, ada)('POST', '/tenants', { slug: `t-${randomUUID()}`, name: 'Acme' })
    tenant.id = made.data.id
    await callerOf(app, ada)('POST', `/tenants/${tenant.id}/members`, { email: bob.email })
  })
  beforeEach(async () => {
    for (const name of ['labs.search', 'labs.theme', 'registration']) await manage('DELETE', `/flag-rules/${name}`)
    await seenBy(ada, (flags) => flags.search === false && flags.theme === 'plain')
  })
  afterAll(() => app.close())

  const labsOf = async (account: Account, headers: Record<string, string> = {}) =>
    (await callerOf(app, account)('GET', '/labs', undefined, headers)).data
  const seenBy = (account: Account, isIt: (seen: { search: boolean; theme: string }) => boolean) =>
    until(async () => isIt(await labsOf(account)))
  const set = async (name: string, body: object, isIt: (seen: { search: boolean; theme: string }) => boolean) => {
    const reply = await manage('PUT', `/flag-rules/${name}`, body)
    expect(said(reply)).toBe('200')
    await seenBy(ada, isIt)
    return reply.data
  }
  const asAda = { users: [] as string[] }
  const onForAda = () => {
    asAda.users = [ada.id]
    return set('labs.search', { rules: [{ ...asAda, value: true }] }, ({ search }) => search)
  }

  it('the rules choose users, tenants, roles and a share of the users', async () => {
    await onForAda()
    expect([(await labsOf(ada)).search, (await labsOf(bob)).search]).toEqual([true, false])

    const inTenant = { 'x-tenant-id': tenant.id }
    const dark = { rules: [{ tenants: [tenant.id], value: 'dark' }], value: 'loud' }
    await set('labs.theme', dark, ({ theme }) => theme === 'loud')
    expect([(await labsOf(bob, inTenant)).theme, (await labsOf(bob)).theme]).toEqual(['dark', 'loud'])

    const role = await grant(app, bob, { permissions: [], tenant })
    const [{ code }] = (await app.sql('select code from roles where id = $1', [role])) as [{ code: string }]
    const byRole = { rules: [{ roles: [code], value: 'dark' }], value: 'loud' }
    expect(said(await manage('PUT', '/flag-rules/labs.theme', byRole))).toBe('200')
    // By the rule before, everybody in the tenant saw the other.
    await until(async () => (await labsOf(ada, inTenant)).theme === 'loud')
    expect([(await labsOf(bob, inTenant)).theme, (await labsOf(bob)).theme]).toEqual(['dark', 'loud'])
    expect((await labsOf(ada, inTenant)).theme).toBe('loud')

    await set('labs.theme', { rules: [{ percentage: 100, value: 'dark' }] }, ({ theme }) => theme === 'dark')
    expect((await labsOf(bob)).theme).toBe('dark')
    await set('labs.theme', { rules: [{ percentage: 0, value: 'dark' }] }, ({ theme }) => theme === 'plain')
  })

  it('the anonymous have no user: no rule fits them, the value does', async () => {
    const street = async () => (await app.request('GET', '/api/v1/labs/street')).body.data
    const rules = [
      { percentage: 100, value: 'dark' },
      { tenants: [tenant.id], value: 'dark' },
    ]
    await set('labs.theme', { rules, value: 'loud' }, ({ theme }) => theme === 'dark')
    expect((await street()).theme).toBe('loud')
    const headers = { 'x-tenant-id': tenant.id, authorization: `Bearer ${ada.accessToken}` }
    expect((await app.request('GET', '/api/v1/labs/street', { headers })).body.data.theme).toBe('loud')
    await set('labs.theme', { rules }, ({ theme }) => theme === 'dark')
    await until(async () => (await street()).theme === 'plain')
    expect((await labsOf(ada)).theme).toBe('dark')
  })

  it('an entry whose flag is off is not there, on REST and tRPC alike', async () => {
    const rest = async (account: Account, method = 'GET') =>
      said(await callerOf(app, account)(method, '/labs/search', method === 'GET' ? undefined : {}))
    expect([await rest(ada), await rest(bob), await rest(admin, 'POST')]).toEqual(Array(3).fill('404 route.not_found'))
    const trpc = await ask(app, 'labs.search', undefined, ada.accessToken)
    expect([trpc.status, trpc.body.error.data.code, trpc.body.error.data.failure.code]).toEqual([
      404,
      'NOT_FOUND',
      'route.not_found',
    ])
    // To those who may not call it, too, it is not there; the anonymous are asked who they are first.
    expect(await rest(bob, 'POST')).toBe('404 route.not_found')
    expect((await mutate(app, 'labs.write', {}, { token: bob.accessToken })).status).toBe(404)
    expect((await app.request('GET', '/api/v1/labs/search')).status).toBe(401)
    expect((await app.request('GET', '/api/v1/labs/lobby')).body.error.code).toBe('route.not_found')

    await onForAda()
    expect([await rest(ada), await rest(bob)]).toEqual(['200', '404 route.not_found'])
    expect((await ask(app, 'labs.search', undefined, ada.accessToken)).body.result.data.search).toBe(true)
    expect(await rest(ada, 'POST')).toBe('403 rbac.permission_required')
    expect((await app.request('GET', '/api/v1/labs/lobby')).status).toBe(404)
    await set('labs.search', { value: true }, ({ search }) => search)
    await until(async () => (await app.request('GET', '/api/v1/labs/lobby')).status === 200)
  })

  it('flags.mine says what each flag says to the caller, and 304 while nothing changes', async () => {
    const mine = (headers = {}) =>
      fetch(`${app.url}/api/v1/flags`, { headers: { authorization: `Bearer ${ada.accessToken}`, ...headers } })
    const first = await mine()
    expect(((await first.json()) as { data: unknown }).data).toEqual({
      flags: { registration: true, 'labs.search': false, 'labs.theme': 'plain' },
    })
    expect(first.headers.get('cache-control')).toBe('private, max-age=0, must-revalidate')
    const etag = first.headers.get('etag') ?? ''
    expect((await mine({ 'if-none-match': etag })).status).toBe(304)
    await onForAda()
    const second = await mine({ 'if-none-match': etag })
    expect([second.status, ((await second.json()) as { data: { flags: object } }).data.flags]).toEqual([
      200,
      { registration: true, 'labs.search': true, 'labs.theme': 'plain' },
    ])
  })

  it('flags.list tells what decides each flag', async () => {
    const list = async () =>
      Object.fromEntries((await manage('GET', '/flag-rules')).data.map((flag: { name: string }) => [flag.name, flag]))
    expect((await list())['labs.theme']).toEqual({
      name: 'labs.theme',
      description: 'How the labs look.',
      kind: 'variant',
      variants: ['plain', 'dark', 'loud'],
      default: 'plain',
      source: 'default',
      override: null,
      value: null,
      rules: [],
      updated_at: null,
    })
    const rules = [
      { users: [ada.id], percentage: 0.5, value: 'dark' },
      { percentage: 0, value: 'dark' },
    ]
    const state = await set('labs.theme', { rules, value: 'loud' }, ({ theme }) => theme !== 'plain')
    expect(state).toMatchObject({ source: 'database', value: 'loud', rules, updated_at: expect.any(String) })
    expect((await list())['labs.theme']).toEqual(state)
    expect(Object.keys(await list())).toEqual(['registration', 'labs.search', 'labs.theme'])
  })

  it('refuses flags that the contract lacks, and values that a flag cannot say', async () => {
    for (const method of ['PUT', 'DELETE'])
      expect(said(await manage(method, '/flag-rules/toString', method === 'PUT' ? {} : undefined))).toBe(
        '404 flag.not_found',
      )
    const wrong = async (name: string, body: object) => (await manage('PUT', `/flag-rules/${name}`, body)).meta.fields
    expect(await wrong('labs.theme', { value: true })).toEqual({ value: 'must be one of [plain dark loud]' })
    expect(await wrong('labs.search', { rules: [{ percentage: 1, value: 'on' }] })).toEqual({
      'rules[0].value': 'must be true or false',
    })
    expect(await wrong('labs.search', { rules: [{ value: true }] })).toEqual({
      'rules[0]': 'must name a percentage, tenants, users or roles; for all others there is value',
    })
    expect(await wrong('labs.search', { rules: Array(51).fill({ percentage: 1, value: true }) })).toEqual({
      rules: 'must be at most 50',
    })
  })

  it('asks for the permission, held globally', async () => {
    const clerk = await register(app)
    const call = (to?: typeof tenant) => callerOf(app, clerk, to)
    const tries = async (caller: Caller) => [
      said(await caller('GET', '/flag-rules')),
      said(await caller('PUT', '/flag-rules/labs.search', {})),
      said(await caller('DELETE', '/flag-rules/labs.search')),
    ]
    const refused = Array(3).fill('403 rbac.permission_required')
    expect(await tries(call())).toEqual(refused)
    await callerOf(app, ada)('POST', `/tenants/${tenant.id}/members`, { email: clerk.email })
    await grant(app, clerk, { permissions: ['flags.manage'], tenant })
    expect([await tries(call()), await tries(call(tenant))]).toEqual([refused, refused])
    await grant(app, clerk, { permissions: ['flags.manage'] })
    expect(await tries(call())).toEqual(['200', '200', '204'])
  })

  it('records a change once, and nothing when nothing was said', async () => {
    const events = () =>
      app.sql("select topic, target, payload from events where topic like 'flag.%' order by sequence")
    const before = (await events()).length
    await manage('PUT', '/flag-rules/labs.theme', { value: 'dark' })
    await manage('DELETE', '/flag-rules/labs.theme')
    await manage('DELETE', '/flag-rules/labs.theme')
    await manage('PUT', '/flag-rules/labs.theme', { value: 'pink' })
    expect((await events()).slice(before)).toEqual([
      { topic: 'flag.set', target: 'labs.theme', payload: { value: 'dark', rules: 0 } },
      { topic: 'flag.cleared', target: 'labs.theme', payload: {} },
    ])
  })

  it('are counted, by flag and answer', async () => {
    const count = async (value: string) =>
      total(readScrape((await app.request('GET', '/admin/metrics')).text), 'tsforge_flag_evaluations_total', {
        flag: 'labs.theme',
        value,
      })
    const before = [await count('plain'), await count('loud')]
    await labsOf(ada)
    expect([await count('plain'), await count('loud')]).toEqual([(before[0] ?? 0) + 1, before[1]])
  })
})

describe('the flag registration', () => {
  it('closes registration for strangers while it is off, and the client is typed by the contract', async () => {
    const app = await startApp()
    try {
      const client = createClient({ url: app.url })
      const opening = { email: `${randomUUID()}@example.org`, password, name: 'Ada' }
      const { user } = await client.auth.register(opening)
      const { flags } = await client.flags.mine()
      const isOpen: boolean = flags.registration
      expect(isOpen).toBe(true)
      await grant(app, user, { permissions: ['flags.manage'] })
      await client.flags.set({ name: 'registration', value: false })
      const stranger = () =>
        app.request('POST', '/api/v1/auth/register', {
          body: { ...opening, email: `${randomUUID()}@example.org` },
        })
      await until(async () => (await stranger()).status === 404)
      expect((await stranger()).body.error.code).toBe('route.not_found')
      expect((await client.flags.list()).map(({ name, source }) => [name, source])).toEqual([
        ['registration', 'database'],
      ])
      await client.flags.clear({ name: 'registration' })
      await until(async () => (await stranger()).status === 201)
      for (const name of ['nobody'])
        for (const [method, body] of [
          ['PUT', {}],
          ['DELETE', undefined],
        ] as const) {
          const tokens = (await app.request('POST', '/api/v1/auth/login', { body: opening })).body.data.tokens
          const reply = await app.request(method, `/api/v1/flag-rules/${name}`, { token: tokens.access_token, body })
          expect(reply.body.error.code).toBe('flag.not_found')
        }
    } finally {
      await app.close()
    }
  })

  it('is marked in the document, with its 404', () => {
    const operation = document.paths['/api/v1/auth/register'].post
    expect(operation['x-flag']).toBe('registration')
    expect(JSON.stringify(operation.responses[404])).toContain('route.not_found')
    expect('x-flag' in document.paths['/api/v1/auth/login'].post).toBe(false)
    const made = createDocument({ labs }, { title: 't', version: '1', description: 'd' })
    expect(made.paths['/api/v1/labs/search']?.get?.['x-flag']).toBe('labs.search')
  })
})
