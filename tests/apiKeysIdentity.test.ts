import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { crc32 } from '../server/features/apiKeys/crc32.ts'
import { prefixOf } from '../server/features/apiKeys/key.ts'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { entries } from './support/entries.ts'
import { grant, withdraw } from './support/grants.ts'
import { found, joined } from './support/tenants.ts'
import { ask } from './support/trpcCall.ts'

interface Key {
  readonly id: string
  readonly plaintext: string
}

const base62 = (value: number): string => {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let text = ''
  for (let rest = value; text.length < 6; rest = Math.floor(rest / 62)) text = digits.charAt(rest % 62) + text
  return text
}

/** The last digit of the secret changed, and the checksum made to fit. */
const withOtherSecret = (plaintext: string) => {
  const body = plaintext.slice(0, 63) + (plaintext[63] === 'a' ? 'b' : 'a')
  return body + base62(crc32(body))
}

/** What is noted beside a call is there soon after its answer. */
const waiting = { interval: 5, timeout: 10_000 }

const pathOf = (path: string) => path.replace(/\{\w+\}/g, '018f6b0e-0000-7000-8000-000000000000')

describe.each(adapters)('a call with an API key on %s', (adapter) => {
  let app: TestApp
  let ada: Account
  beforeAll(async () => {
    app = await startApp({ adapter })
    ada = await register(app)
  })
  afterAll(() => app.close())

  const create = async (scopes: string[] = [], person = ada, headers = {}): Promise<Key> => {
    const body = { name: 'export', scopes }
    return (await app.request('POST', '/api/v1/api-keys', { token: person.accessToken, body, headers })).body.data
  }
  const me = (token: string, headers = {}) => app.request('GET', '/api/v1/auth/me', { token, headers })
  const codeOf = async (token: string) => {
    const { status, body } = await me(token)
    return status === 200 ? 200 : [status, body.error.code]
  }
  const refused = [401, 'apikey.invalid']
  const change = (key: Key, set: string) => app.sql(`update api_keys set ${set} where id = $1`, [key.id])
  const lastUse = async ({ id }: Key) =>
    (await app.sql('select last_used_at from api_keys where id = $1', [id]))[0]?.last_used_at as Date | null
  const used = async (key: Key) => vi.waitUntil(async () => (await lastUse(key)) ?? undefined, waiting)

  it('is made in the name of the owner, over both transports', async () => {
    const { plaintext } = await create()
    const { data } = (await me(plaintext)).body
    expect(data).toEqual((await me(ada.accessToken)).body.data)
    expect((await ask(app, 'auth.me', undefined, plaintext)).body.result.data).toEqual(data)
    expect(app.logged.some((line) => line.includes(ada.id))).toBe(true)
  })

  describe('is refused', () => {
    it('before any database read when the checksum or the form is wrong', async () => {
      const { plaintext } = await create()
      await app.sql('revoke select on api_keys from gate')
      try {
        expect(await codeOf(plaintext)).toEqual([500, 'internal'])
        const typo = plaintext.slice(0, -1) + (plaintext.endsWith('0') ? '1' : '0')
        for (const text of [typo, plaintext.slice(0, -1), `${plaintext}0`, 'tf_', prefixOf(plaintext) ?? ''])
          expect(await codeOf(text)).toEqual(refused)
      } finally {
        await app.sql('grant select on api_keys to gate')
      }
      expect(await codeOf(plaintext)).toBe(200)
    })

    it('with another secret under the prefix of a key, and with a prefix that is not there', async () => {
      const key = await create()
      const other = withOtherSecret(key.plaintext)
      expect(prefixOf(other)).toBe(prefixOf(key.plaintext))
      expect(await codeOf(other)).toEqual(refused)
      await app.sql('delete from api_keys where id = $1', [key.id])
      expect(await codeOf(key.plaintext)).toEqual(refused)
    })

    it('at once when the key is revoked or expired, in the same words as an unknown one', async () => {
      const [revoked, expired] = [await create(), await create()]
      for (const { plaintext } of [revoked, expired]) expect(await codeOf(plaintext)).toBe(200)
      await change(revoked, 'revoked_at = now()')
      await change(expired, `expires_at = now() - interval '1 millisecond'`)
      const replies = [await me(revoked.plaintext), await me(expired.plaintext), await me('tf_')]
      for (const { status, body, headers } of replies) {
        expect([status, body.error]).toEqual([401, replies[2]?.body.error])
        expect(headers.get('www-authenticate')).toBe('Bearer')
      }
      await change(expired, `expires_at = now() + interval '1 hour'`)
      expect(await codeOf(expired.plaintext)).toBe(200)
    })

    it('at once when the owner is disabled, until they are enabled', async () => {
      const owner = await register(app)
      const { plaintext } = await create([], owner)
      expect(await codeOf(plaintext)).toBe(200)
      await app.sql('update users set disabled_at = now() where id = $1', [owner.id])
      expect(await codeOf(plaintext)).toEqual(refused)
      await app.sql('update users set disabled_at = null where id = $1', [owner.id])
      expect(await codeOf(plaintext)).toBe(200)
      await app.sql('delete from users where id = $1', [owner.id])
      expect(await codeOf(plaintext)).toEqual(refused)
    })

    const forPeople = [...entries].filter(([, { access }]) => access === 'session')
    it.each(forPeople)(
      'by %s, which is for people, before its input is read',
      async (_path, { http: [verb, path] }) => {
        const { plaintext } = await create(['*'])
        const body = verb === 'GET' || verb === 'DELETE' ? undefined : '{not json'
        const reply = await app.request(verb, pathOf(path), { token: plaintext, body })
        expect([reply.status, reply.body.error.code]).toEqual([403, 'apikey.user_session_required'])
      },
    )

    it('in a tenant that its owner is no member of', async () => {
      const owner = await register(app)
      const tenant = await found(app, owner)
      const [own, foreign] = [await create(['*'], owner), await create(['*'])]
      expect((await me(own.plaintext, { 'x-tenant-id': tenant.id })).status).toBe(200)
      const reply = await me(foreign.plaintext, { 'x-tenant-id': tenant.id })
      expect([reply.status, reply.body.error.code]).toEqual([403, 'tenant.forbidden'])
    })
  })

  describe('may do', () => {
    const permissionsOf = async ({ plaintext }: Key, headers = {}): Promise<string[]> => {
      const { body } = await app.request('GET', '/api/v1/me/access', { token: plaintext, headers })
      expect(body.data.roles).toEqual([])
      return [...body.data.permissions].sort()
    }
    const listUsers = async ({ plaintext }: Key) => {
      const { status, body } = await app.request('GET', '/api/v1/users', { token: plaintext })
      return status === 200 ? 200 : [status, body.error.code]
    }

    it('what its scopes name and its owner holds, at the moment of the call', async () => {
      const owner = await register(app)
      const first = await grant(app, owner, { permissions: ['users.read', 'menu.manage'] })
      const [all, one, none] = [
        await create(['*'], owner),
        await create(['users.read'], owner),
        await create([], owner),
      ]
      expect(await permissionsOf(all)).toEqual(['menu.manage', 'users.read'])
      expect(await permissionsOf(one)).toEqual(['users.read'])
      expect(await permissionsOf(none)).toEqual([])
      expect([await listUsers(all), await listUsers(one)]).toEqual([200, 200])
      expect(await listUsers(none)).toEqual([403, 'rbac.permission_required'])

      await withdraw(app, owner, first)
      for (const key of [all, one]) {
        expect(await permissionsOf(key)).toEqual([])
        expect(await listUsers(key)).toEqual([403, 'rbac.permission_required'])
      }
      await grant(app, owner, { permissions: ['users.read', 'users.manage'] })
      expect(await permissionsOf(all)).toEqual(['users.manage', 'users.read'])
      expect(await permissionsOf(one)).toEqual(['users.read'])
    })

    it('in a tenant what its owner holds there', async () => {
      const tenant = await found(app, ada)
      const person = await joined(app, tenant)
      await grant(app, person, { permissions: ['menu.manage'], tenant })
      const header = { 'x-tenant-id': tenant.id }
      const keys = [await create(['menu.manage'], person, header), await create(['*'], person)]
      for (const key of keys) {
        expect(await permissionsOf(key, header)).toEqual(['menu.manage'])
        expect(await permissionsOf(key)).toEqual([])
      }
    })
  })

  describe('notes the use of its key', () => {
    it('and shows it in the list', async () => {
      const owner = await register(app)
      const key = await create([], owner)
      expect(await lastUse(key)).toBeNull()
      await me(key.plaintext)
      const at = await used(key)
      const { body } = await app.request('GET', '/api/v1/api-keys', { token: owner.accessToken })
      expect(body.data.items[0].last_used_at).toBe(at.toISOString())
    })

    it('at most once a minute', async () => {
      const [recent, old, unused] = [await create(), await create(), await create()]
      await change(recent, `last_used_at = now() - interval '59 seconds'`)
      await change(old, `last_used_at = now() - interval '61 seconds'`)
      const [recentBefore, oldBefore] = [await lastUse(recent), await lastUse(old)]
      for (const { plaintext } of [recent, old, unused]) expect(await codeOf(plaintext)).toBe(200)
      // The notes are sent in the order of the calls, on connections of one pool.
      await used(unused)
      await vi.waitUntil(async () => (await lastUse(old))?.getTime() !== oldBefore?.getTime(), waiting)
      expect(await lastUse(recent)).toEqual(recentBefore)
    })

    it('once for many calls that come together', async () => {
      const key = await create()
      await app.sql(`
        create sequence key_uses;
        grant usage on key_uses to app;
        create function count_use() returns trigger language plpgsql as
          $$ begin perform nextval('key_uses'); return new; end $$;
        create trigger count_use before update on api_keys for each row execute function count_use()`)
      try {
        const replies = await Promise.all(Array.from({ length: 50 }, () => me(key.plaintext)))
        expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
        await used(key)
        expect(await app.sql('select last_value::int as uses from key_uses')).toEqual([{ uses: 1 }])
      } finally {
        await app.sql('drop function count_use cascade; drop sequence key_uses')
      }
    })

    it('without making the call wait', async () => {
      const key = await create()
      await app.sql(`
        create function wait_for_lock() returns trigger language plpgsql as
          $$ begin perform pg_advisory_xact_lock(7); return new; end $$;
        create trigger wait_for_lock before update on api_keys for each row execute function wait_for_lock()`)
      await app.sql('select pg_advisory_lock(7)')
      try {
        for (let count = 0; count < 20; count++) expect(await codeOf(key.plaintext)).toBe(200)
        expect(await lastUse(key)).toBeNull()
      } finally {
        await app.sql('select pg_advisory_unlock(7)')
        await used(key)
        await app.sql('drop function wait_for_lock cascade')
      }
    })

    it('without failing the call when it cannot be written', async () => {
      const key = await create()
      await app.sql('revoke update on api_keys from app')
      try {
        expect(await codeOf(key.plaintext)).toBe(200)
        const isSaid = () => app.logged.some((line) => line.includes('the use of an API key was not noted'))
        await vi.waitUntil(isSaid, waiting)
      } finally {
        await app.sql('grant update on api_keys to app')
      }
      await me(key.plaintext)
      await used(key)
      expect(app.logged.join('')).not.toContain(key.plaintext.slice(21))
    })
  })
})
