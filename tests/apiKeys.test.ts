import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashKey, prefixOf } from '../server/features/apiKeys/key.ts'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { grant, makeAdministrator, withdraw } from './support/grants.ts'
import type { Reply } from './support/request.ts'
import { found, joined } from './support/tenants.ts'
import { mutate } from './support/trpcCall.ts'

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const path = '/api/v1/api-keys'
const hourMs = 3_600_000
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()

describe.each(adapters)('API keys on %s', (adapter) => {
  let app: TestApp
  let ada: Account
  beforeAll(async () => {
    app = await startApp({ adapter })
    ada = await register(app)
  })
  afterAll(() => app.close())

  const create = (body: object, person = ada, headers = {}): Promise<Reply> =>
    app.request('POST', path, { token: person.accessToken, body: { name: 'export', ...body }, headers })
  const list = (query = '', person = ada): Promise<Reply> =>
    app.request('GET', path + query, { token: person.accessToken })
  const revoke = (id: string, person = ada): Promise<Reply> =>
    app.request('DELETE', `${path}/${id}`, { token: person.accessToken })
  const rowsOf = (person: Account) => app.sql('select * from api_keys where user_id = $1 order by id', [person.id])
  const works = async (key: string) => (await app.request('GET', '/api/v1/auth/me', { token: key })).status === 200

  describe('create', () => {
    it('answers 201 with the key and its plaintext, and nothing else', async () => {
      const expiresAt = inMs(hourMs)
      const reply = await create({ name: ' nightly export ', scopes: ['*'], expires_at: expiresAt })
      expect([reply.status, reply.body.data]).toEqual([
        201,
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          prefix: prefixOf(reply.body.data.plaintext),
          name: 'nightly export',
          scopes: ['*'],
          expires_at: expiresAt,
          last_used_at: null,
          revoked_at: null,
          created_at: expect.stringMatching(instant),
          plaintext: expect.stringMatching(/^tf_test_/),
        },
      ])
    })

    it('answers the same over tRPC, and needs no more than a name', async () => {
      const { body, status } = await mutate(app, 'apiKeys.create', { name: 'x' }, { token: ada.accessToken })
      expect([status, body.result.data.scopes, body.result.data.expires_at]).toEqual([200, [], null])
      expect(await works(body.result.data.plaintext)).toBe(true)
    })

    it('keeps a digest of the key and no part of its secret, and logs neither', async () => {
      const { id, plaintext } = (await create({})).body.data
      const secret = plaintext.slice(21, 64)
      const [row] = await app.sql('select * from api_keys where id = $1', [id])
      expect(row?.key_hash).toEqual(hashKey(plaintext))
      expect(await works(plaintext)).toBe(true)
      expect(JSON.stringify(await rowsOf(ada))).not.toContain(secret)
      expect((await list('?limit=200')).text).not.toContain(secret)
      expect(app.logged.join('')).not.toContain(secret)
    })

    it('drops blank and repeated scopes and puts the rest in lower case', async () => {
      const person = await register(app)
      await grant(app, person, { permissions: ['users.read', 'menu.manage'] })
      const scopes = [' ', 'Users.Read', '', 'menu.manage', 'users.read ', 'menu.manage']
      const reply = await create({ scopes }, person)
      expect([reply.status, reply.body.data.scopes]).toEqual([201, ['users.read', 'menu.manage']])
    })

    it('hands out * to anyone, because it never means more than the owner may', async () => {
      expect((await create({ scopes: ['*'] }, await register(app))).status).toBe(201)
    })

    it('refuses permissions that the caller does not hold, known or not, and makes nothing', async () => {
      const person = await register(app)
      await grant(app, person, { permissions: ['users.read'] })
      const scopes = ['users.read', 'rbac.manage', '*', 'no.such', 'menu.manage']
      const reply = await create({ scopes }, person)
      expect([reply.status, reply.body.error.code]).toEqual([403, 'rbac.escalation'])
      expect(reply.body.error.meta).toEqual({ permissions: ['menu.manage', 'no.such', 'rbac.manage'] })
      expect(await rowsOf(person)).toEqual([])
      const { body } = await mutate(app, 'apiKeys.create', { name: 'x', scopes }, { token: person.accessToken })
      expect(body.error.data.failure).toEqual(
        reply.body.error.meta && { code: 'rbac.escalation', meta: reply.body.error.meta },
      )
    })

    it('counts what is held in the tenant of the call, and what is held globally everywhere', async () => {
      const owner = await register(app)
      const [tenant, other] = [await found(app, owner), await found(app, owner)]
      const person = await joined(app, tenant)
      await app.sql('insert into members (tenant_id, user_id) values ($1, $2)', [other.id, person.id])
      await grant(app, person, { permissions: ['menu.manage'], tenant })
      await grant(app, person, { permissions: ['users.read'] })
      const statusIn = async (scopes: string[], headers = {}) => (await create({ scopes }, person, headers)).status
      expect(await statusIn(['menu.manage', 'users.read'], { 'x-tenant-id': tenant.id })).toBe(201)
      expect(await statusIn(['menu.manage'], { 'x-tenant-id': other.id })).toBe(403)
      expect(await statusIn(['menu.manage'])).toBe(403)
      expect(await statusIn(['users.read'], { 'x-tenant-id': other.id })).toBe(201)
    })

    it('lets an administrator hand out all there is', async () => {
      const admin = await register(app)
      await makeAdministrator(app, admin)
      const codes = (await app.sql('select code from permissions')).map(({ code }) => code)
      expect((await create({ scopes: codes }, admin)).status).toBe(201)
      expect((await create({ scopes: [...codes, 'no.such'] }, admin)).body.error.meta).toEqual({
        permissions: ['no.such'],
      })
    })

    it.each([
      ['long past', '2001-01-01T00:00:00Z'],
      ['a moment ago', inMs(-1)],
      ['past by its offset', new Date(Date.now() + hourMs).toISOString().replace('Z', '+14:00')],
    ])('refuses an expiry that is %s', async (_name, expires_at) => {
      const reply = await create({ expires_at })
      expect([reply.status, reply.body.error.code]).toEqual([400, 'validation'])
      expect(reply.body.error.meta).toEqual({ fields: { expires_at: 'must lie ahead' } })
    })

    it.each(['0000-01-01T00:00:00Z', '9999-12-31T23:59:59-10:00'])(
      'takes no moment that no database knows: %s',
      async (expires_at) => {
        const { status, body } = await create({ expires_at })
        expect([status, body.error.meta]).toEqual([
          400,
          { fields: { expires_at: 'must be a valid date and time (ISO 8601)' } },
        ])
      },
    )

    it('names the moment of expiry over tRPC too', async () => {
      const input = { name: 'x', expires_at: '2001-01-01T00:00:00Z' }
      const { body, status } = await mutate(app, 'apiKeys.create', input, { token: ada.accessToken })
      expect([status, body.error.data.failure]).toEqual([
        400,
        { code: 'validation', meta: { fields: { expires_at: 'must lie ahead' } } },
      ])
    })

    it('goes by the clock of the database', async () => {
      app.setTime(new Date(Date.now() - hourMs))
      try {
        const person = await register(app)
        expect((await create({ expires_at: inMs(-hourMs / 2) }, person)).status).toBe(400)
      } finally {
        app.setTime(null)
      }
    })

    it('takes an expiry far ahead, in any offset, and none', async () => {
      const far = await create({ expires_at: '9999-12-31T23:59:59.999+00:00' })
      expect(far.body.data.expires_at).toBe('9999-12-31T23:59:59.999Z')
      expect((await create({ expires_at: '2100-01-01T00:00:00+05:30' })).body.data.expires_at).toBe(
        '2099-12-31T18:30:00.000Z',
      )
      expect((await create({ expires_at: null })).body.data.expires_at).toBeNull()
    })

    it.each([
      [{ name: ' \n ' }, { name: 'is required' }],
      [{ name: 'x'.repeat(121) }, { name: 'must be at most 120' }],
      [{ name: 7 }, { name: 'must be a string' }],
      [{ scopes: '*' }, { scopes: 'must be an array' }],
      [{ scopes: [7] }, { 'scopes[0]': 'must be a string' }],
      [{ scopes: ['x'.repeat(101)] }, { 'scopes[0]': 'must be at most 100' }],
      [{ scopes: Array(101).fill('*') }, { scopes: 'must be at most 100' }],
      [{ expires_at: 'tomorrow' }, { expires_at: 'must be a valid date and time (ISO 8601)' }],
      [{ expires_at: '2100-01-01T00:00:00' }, { expires_at: 'must be a valid date and time (ISO 8601)' }],
      [{ expires_at: 4_102_444_800 }, { expires_at: 'must be a string' }],
    ])('refuses %o', async (body, fields) => {
      const reply = await create(body)
      expect([reply.status, reply.body.error.code, reply.body.error.meta?.fields]).toEqual([400, 'validation', fields])
    })

    it('shows the plaintext again to a retry with its Idempotency-Key, from an encrypted copy', async () => {
      const person = await register(app)
      const roleId = await grant(app, person, { permissions: ['users.read'] })
      const headers = { 'idempotency-key': randomUUID() }
      const send = (scopes = ['users.read']) => create({ scopes, expires_at: '2100-01-01T00:00:00Z' }, person, headers)
      const first = await send()
      await withdraw(app, person, roleId)
      const again = await send()
      expect([again.status, again.body.data]).toEqual([201, first.body.data])
      expect((await send([])).body.error.code).toBe('idempotency.key_reused')
      expect(await rowsOf(person)).toHaveLength(1)
      const kept = await app.sql(`select encode(answer, 'escape') as text from idempotency_keys`)
      expect(kept.map(({ text }) => text).join('')).not.toContain(first.body.data.plaintext.slice(0, 20))
      expect((await create({ scopes: ['users.read'] }, person)).status).toBe(403)
    })
  })

  describe('list', () => {
    it('shows the own keys, the newest first, revoked and expired ones included', async () => {
      const person = await register(app)
      await create({})
      const made: { id: string; plaintext?: string }[] = []
      for (const name of ['a', 'b', 'c']) made.unshift((await create({ name }, person)).body.data)
      await revoke(made[1]?.id ?? '', person)
      await app.sql(`update api_keys set expires_at = now() - interval '1 day' where id = $1`, [made[2]?.id])
      const { items, next_cursor } = (await list('', person)).body.data
      expect(next_cursor).toBeNull()
      const [newest, revoked, expired] = made.map(({ plaintext: _, ...key }) => key)
      expect(items).toEqual([
        newest,
        { ...revoked, revoked_at: expect.stringMatching(instant) },
        { ...expired, expires_at: expect.stringMatching(instant) },
      ])
    })

    it('goes on page by page while keys are made, and counts them when asked', async () => {
      const person = await register(app)
      for (const name of ['1', '2', '3', '4', '5']) await create({ name }, person)
      const names: string[] = []
      let cursor = ''
      do {
        const { data } = (await list(`?limit=2&total=true${cursor}`, person)).body
        expect(data.total).toBe(5 + names.length / 2)
        names.push(...data.items.map(({ name }: { name: string }) => name))
        cursor = data.next_cursor && `&cursor=${data.next_cursor}`
        await create({ name: 'later' }, person)
      } while (cursor)
      expect(names).toEqual(['5', '4', '3', '2', '1'])
    })

    it('refuses a cursor of another person, of another list, and an edited one', async () => {
      const [person, stranger] = [await register(app), await register(app)]
      for (const name of ['1', '2', '3']) await create({ name }, person)
      const { next_cursor: cursor } = (await list('?limit=1', person)).body.data
      expect((await list(`?limit=1&cursor=${cursor}`, person)).status).toBe(200)
      const edited = cursor.slice(0, -2) + (cursor.endsWith('AA') ? 'BB' : 'AA')
      const replies = [
        await list(`?cursor=${cursor}`, stranger),
        await list(`?cursor=${edited}`, person),
        await list('?cursor=x', person),
        await app.request('GET', `/api/v1/me/sessions?cursor=${cursor}`, { token: person.accessToken }),
      ]
      for (const { status, body } of replies) expect([status, body.error.code]).toEqual([400, 'cursor.invalid'])
    })

    it.each(['0', '-1', '201', '1e9', 'many'])('refuses a limit of %s', async (limit) => {
      const reply = await list(`?limit=${limit}`)
      expect([reply.status, Object.keys(reply.body.error.meta.fields)]).toEqual([400, ['limit']])
    })
  })

  describe('revoke', () => {
    it('answers 204, and the key is dead', async () => {
      const { id, plaintext } = (await create({})).body.data
      expect(await works(plaintext)).toBe(true)
      expect(await revoke(id)).toMatchObject({ status: 204, text: '' })
      expect(await works(plaintext)).toBe(false)
    })

    it('answers the same for one that is revoked, foreign or unknown', async () => {
      const { id, plaintext } = (await create({})).body.data
      const stranger = await register(app)
      const foreign = await revoke(id, stranger)
      expect(await works(plaintext)).toBe(true)
      await revoke(id)
      const replies = [foreign, await revoke(id), await revoke(randomUUID())]
      for (const { status, body } of replies) {
        expect([status, body.error]).toEqual([404, { code: 'apikey.not_found', message: 'There is no such API key.' }])
      }
    })

    it('keeps the moment of the first of two at once', async () => {
      const { id } = (await create({})).body.data
      const replies = await Promise.all([revoke(id), revoke(id), revoke(id)])
      expect(replies.map(({ status }) => status).sort()).toEqual([204, 404, 404])
    })

    it('takes an expired key, an id of any version, and no malformed one', async () => {
      const { id } = (await create({})).body.data
      await app.sql(`update api_keys set expires_at = now() - interval '1 day' where id = $1`, [id])
      expect((await revoke(id.toUpperCase())).status).toBe(204)
      expect((await revoke('00000000-0000-0000-0000-000000000001')).status).toBe(404)
      const reply = await revoke('1')
      expect([reply.status, reply.body.error.meta.fields]).toEqual([400, { id: 'must be a valid uuid' }])
    })
  })
})

describe('API keys in production', () => {
  it('say live, and work', async () => {
    const environment = { NODE_ENV: 'production', DATABASE_URL: 'postgres://elsewhere', ALLOW_WEAK_HASHING: 'true' }
    const app = await startApp({ environment: { ...environment, JWT_SECRET: randomUUID() } })
    try {
      const { accessToken: token } = await register(app)
      const { plaintext, prefix } = (await app.request('POST', path, { token, body: { name: 'x' } })).body.data
      expect(prefix).toMatch(/^tf_live_[0-9A-Za-z]{12}$/)
      expect((await app.request('GET', '/api/v1/auth/me', { token: plaintext })).status).toBe(200)
    } finally {
      await app.close()
    }
  })
})
