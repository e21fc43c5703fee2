import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, login, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import type { Reply } from './support/request.ts'
import { ask } from './support/trpcCall.ts'

const absent = '018f6b0e-0000-7000-8000-000000000000'

describe.each(adapters)('sessions on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  const list = ({ accessToken }: Account, query = '') =>
    app.request('GET', `/api/v1/me/sessions${query}`, { token: accessToken })
  const revoke = ({ accessToken }: Account, id: string) =>
    app.request('DELETE', `/api/v1/me/sessions/${id}`, { token: accessToken })
  const codeOfMe = async ({ accessToken }: Account) => {
    const reply = await app.request('GET', '/api/v1/auth/me', { token: accessToken })
    return reply.status === 200 ? 200 : reply.body.error.code
  }
  const currentId = async (account: Account): Promise<string> =>
    (await list(account)).body.data.items.find((item: { current: boolean }) => item.current).id

  /** A person with `count` sessions, each last used a minute before the one made after it. */
  const withSessions = async (count: number) => {
    const first = await register(app)
    const devices = [first]
    while (devices.length < count) devices.push(await login(app, first.email))
    await app.sql(
      `update sessions s set last_used_at = now() - make_interval(mins => n.behind::int) from
         (select id, row_number() over (order by id desc) as behind from sessions where user_id = $1) n
       where n.id = s.id`,
      [first.id],
    )
    return { first, devices }
  }

  it('lists what a person must know of a device, and nothing else', async () => {
    const account = await register(app)
    const { status, body } = await list(account)
    expect([status, body.data.next_cursor]).toEqual([200, null])
    expect(body.data.items).toEqual([
      {
        id: expect.any(String),
        user_agent: 'node',
        ip: '127.0.0.1',
        current: true,
        created_at: expect.any(String),
        last_used_at: expect.any(String),
        expires_at: expect.any(String),
      },
    ])
  })

  it('lists the last used first and marks the one that asks', async () => {
    const { devices } = await withSessions(3)
    const { items } = (await list(devices[1] as Account)).body.data
    const used = items.map((item: { last_used_at: string }) => item.last_used_at)
    expect(used).toEqual([...used].sort().reverse())
    expect(items.map(({ current }: { current: boolean }) => current)).toEqual([false, true, false])
    await app.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: devices[0]?.refreshToken } })
    const again = (await list(devices[0] as Account)).body.data.items
    expect(again.map(({ current }: { current: boolean }) => current)).toEqual([true, false, false])
  })

  it('lists live sessions only, of nobody else', async () => {
    const { first, devices } = await withSessions(3)
    await register(app)
    await app.sql(`update sessions set expires_at = now() where id = $1`, [await currentId(devices[1] as Account)])
    await revoke(first, await currentId(devices[2] as Account))
    const { items } = (await list(first, '?total=true')).body.data
    expect(items).toHaveLength(1)
    expect((await list(first, '?total=true')).body.data.total).toBe(1)
  })

  it('hands out every session once when it is read page by page, also where times are equal', async () => {
    const { first } = await withSessions(7)
    const whole = (await list(first)).body.data.items.map(({ id }: { id: string }) => id)
    for (const moment of ['last_used_at', `timestamptz '2026-01-02 03:04:05.678+00'`]) {
      await app.sql(`update sessions set last_used_at = ${moment} where user_id = $1`, [first.id])
      const seen: string[] = []
      let cursor: string | null = ''
      let pages = 0
      while (cursor !== null) {
        const reply: Reply = await list(first, `?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)
        seen.push(...reply.body.data.items.map(({ id }: { id: string }) => id))
        cursor = reply.body.data.next_cursor
        pages += 1
      }
      expect([pages, seen]).toEqual([3, whole])
    }
  })

  it('has no next page when the last one is full', async () => {
    const { first } = await withSessions(2)
    const { data } = (await list(first, '?limit=2')).body
    expect([data.items.length, data.next_cursor]).toEqual([2, null])
  })

  it('counts all only when asked to', async () => {
    const { first } = await withSessions(3)
    expect((await list(first, '?limit=1&total=true')).body.data.total).toBe(3)
    expect((await list(first, '?limit=1&total=false')).body.data).not.toHaveProperty('total')
    expect((await list(first, '?limit=1')).body.data).not.toHaveProperty('total')
  })

  it.each([
    ['limit=0', { limit: 'must be at least 1' }],
    ['limit=-1', { limit: 'must be at least 1' }],
    ['limit=201', { limit: 'must be at most 200' }],
    ['limit=ten', { limit: 'must be a number' }],
    ['limit=1.5', { limit: 'must be a number' }],
    ['limit=1e2', { limit: 'must be a number' }],
    ['limit=', { limit: 'must be a number' }],
    ['limit=99999999999999999999', { limit: 'must be a number' }],
    ['total=yes', { total: 'must be a boolean' }],
    ['cursor=', { cursor: 'is required' }],
    [`cursor=${'x'.repeat(2049)}`, { cursor: 'must be at most 2048' }],
    ['cursor=%00', { cursor: 'must not contain NUL or broken characters' }],
  ])('refuses ?%s', async (query, fields) => {
    const { status, body } = await list(await register(app), `?${query}`)
    expect([status, body.error.code, body.error.meta.fields]).toEqual([400, 'validation', fields])
  })

  it('takes a limit of 1 and of 200, and ignores what it does not know', async () => {
    const { first } = await withSessions(2)
    expect((await list(first, '?limit=1&unknown=%00')).body.data.items).toHaveLength(1)
    expect((await list(first, '?limit=200')).body.data.items).toHaveLength(2)
  })

  it('refuses every cursor that this list of this person did not issue', async () => {
    const { first } = await withSessions(3)
    const { next_cursor: cursor } = (await list(first, '?limit=1')).body.data
    expect((await list(first, `?cursor=${cursor}`)).status).toBe(200)
    const other = await withSessions(2)
    const foreign = (await list(other.first, '?limit=1')).body.data.next_cursor
    const middle = Math.floor(cursor.length / 2)
    const swap = (at: number) => `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`
    const wrong = [
      'garbage',
      'AAAA',
      foreign,
      swap(0),
      swap(middle),
      cursor.slice(0, -4),
      `${cursor}AAAA`,
      `${cursor}.`,
    ]
    for (const text of wrong) {
      const { status, body } = await list(first, `?cursor=${encodeURIComponent(text)}`)
      expect([status, body.error.code], text).toEqual([400, 'cursor.invalid'])
    }
  })

  it('answers the same over tRPC', async () => {
    const { first } = await withSessions(2)
    const page = { limit: 1, total: true }
    const { body } = await ask(app, 'sessions.list', page, first.accessToken)
    expect(body.result.data).toEqual((await list(first, '?limit=1&total=true')).body.data)
    const refused = await ask(app, 'sessions.list', { limit: '1' }, first.accessToken)
    expect([refused.status, refused.body.error.data.failure]).toEqual([
      400,
      { code: 'validation', meta: { fields: { limit: 'must be a number' } } },
    ])
  })

  it('ends one session at once, with both its tokens', async () => {
    const here = await register(app)
    const there = await login(app, here.email)
    const reply = await revoke(here, await currentId(there))
    expect([reply.status, reply.text]).toEqual([204, ''])
    expect(await codeOfMe(there)).toBe('auth.invalid')
    const refreshed = await app.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: there.refreshToken } })
    expect(refreshed.body.error.code).toBe('auth.invalid')
    expect(await codeOfMe(here)).toBe(200)
  })

  it('may end the session that asks', async () => {
    const here = await register(app)
    expect((await revoke(here, await currentId(here))).status).toBe(204)
    expect(await codeOfMe(here)).toBe('auth.invalid')
  })

  it('takes an id in upper case', async () => {
    const here = await register(app)
    const there = await login(app, here.email)
    expect((await revoke(here, (await currentId(there)).toUpperCase())).status).toBe(204)
    expect(await codeOfMe(there)).toBe('auth.invalid')
  })

  it('answers 404 for the session of somebody else, as for one that never was, and leaves it alone', async () => {
    const here = await register(app)
    const stranger = await register(app)
    const foreign = await revoke(here, await currentId(stranger))
    const never = await revoke(here, absent)
    expect([foreign.status, foreign.body.error]).toEqual([never.status, never.body.error])
    expect([foreign.status, foreign.body.error.code]).toEqual([404, 'session.not_found'])
    expect(await codeOfMe(stranger)).toBe(200)
  })

  it('answers 404 for a session that has ended', async () => {
    const here = await register(app)
    const id = await currentId(await login(app, here.email))
    expect([(await revoke(here, id)).status, (await revoke(here, id)).status]).toEqual([204, 404])
  })

  it.each([
    ['version 1', '2c1d43b8-e6d7-11ee-a951-0242ac120002'],
    ['version 4', randomUUID()],
    ['version 7', absent],
    ['the nil UUID', '00000000-0000-0000-0000-000000000000'],
    ['the largest one', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  ])('takes an id of %s', async (_name, id) => {
    expect((await revoke(await register(app), id)).body.error.code).toBe('session.not_found')
  })

  it.each(['1', 'nonsense', `${absent}0`, `{${absent}}`, absent.replaceAll('-', ''), `%20${absent}`])(
    'refuses %s as an id',
    async (id) => {
      const { status, body } = await revoke(await register(app), id)
      expect([status, body.error.code, body.error.meta.fields]).toEqual([
        400,
        'validation',
        { id: 'must be a valid uuid' },
      ])
    },
  )

  it('ends all others at once and says how many', async () => {
    const { first, devices } = await withSessions(4)
    const stranger = await register(app)
    const revokeOthers = () => app.request('DELETE', '/api/v1/me/sessions', { token: first.accessToken })
    const reply = await revokeOthers()
    expect([reply.status, reply.body.data]).toEqual([200, { revoked: 3 }])
    expect(await Promise.all(devices.map(codeOfMe))).toEqual([200, ...Array(3).fill('auth.invalid')])
    expect(await codeOfMe(stranger)).toBe(200)
    expect((await revokeOthers()).body.data).toEqual({ revoked: 0 })
  })
})
