import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, login, register, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { type Caller, callerOf, said, walk } from './support/caller.ts'
import { grant } from './support/grants.ts'
import { found, joined, type Tenant } from './support/tenants.ts'

const unknown = randomUUID()
const idOf = ({ id }: { id: string }) => id

describe.each(adapters)('users on %s', (adapter) => {
  let app: TestApp
  let admin: Account
  /** An administrator, without a tenant. */
  let everywhere: Caller
  let manager: Account
  let acme: Tenant
  /** Holds rbac.manage, users.read and users.manage in one tenant. */
  let inAcme: Caller
  let member: Account
  let stranger: Account
  beforeAll(async () => {
    app = await startApp({ adapter })
    admin = await registerAdmin(app)
    everywhere = callerOf(app, admin)
    manager = await register(app)
    acme = await found(app, manager)
    await grant(app, manager, { permissions: ['rbac.manage', 'users.read', 'users.manage'], tenant: acme })
    inAcme = callerOf(app, manager, acme)
    member = await joined(app, acme)
    stranger = await register(app)
  })
  afterAll(() => app.close())

  /** Makes a role with these permissions, in the bucket of the call. */
  const makeRole = async (call: Caller, ...codes: string[]): Promise<string> => {
    const { data } = await call('POST', '/roles', { code: `role-${randomUUID()}`, name: 'Role' })
    const rows = await app.sql('select id from permissions where code = any ($1)', [codes])
    await call('PUT', `/roles/${data.id}/permissions`, { permission_ids: rows.map(({ id }) => id) })
    return data.id
  }
  const adminRole = async (): Promise<string> => String((await app.sql('select id from roles where is_system'))[0]?.id)
  const setRoles = (call: Caller, userId: string, ...role_ids: string[]) =>
    call('PUT', `/users/${userId}/roles`, { role_ids })

  describe('listed', () => {
    it('are shown newest first, without secrets', async () => {
      const accounts = [await register(app), await register(app)]
      const { data } = await everywhere('GET', '/users?limit=2')
      expect(data.items.map(idOf)).toEqual(accounts.map(idOf).reverse())
      expect(Object.keys(data.items[0])).toEqual([
        'id',
        'email',
        'name',
        'role',
        'created_at',
        'updated_at',
        'disabled_at',
      ])
      expect(data.items[0]).toMatchObject({ role: 'user', disabled_at: null })
      expect((await everywhere('GET', `/users/${admin.id}`)).data.role).toBe('admin')
    })

    it('come in pages that newcomers do not shift', async () => {
      const mark = randomUUID().slice(0, 8)
      const named = async (name: string) => {
        const account = await register(app)
        await app.sql('update users set email = $2 where id = $1', [account.id, `${name}.${mark}@example.org`])
        return account.id
      }
      const ids = [await named('a'), await named('b'), await named('c')]
      const first = await everywhere('GET', `/users?q=${mark}&limit=2&total=true`)
      expect([first.data.items.map(idOf), first.data.total]).toEqual([[ids[2], ids[1]], 3])
      await named('d')
      const rest = await everywhere('GET', `/users?q=${mark}&limit=2&cursor=${first.data.next_cursor}`)
      expect([rest.data.items.map(idOf), rest.data.next_cursor]).toEqual([[ids[0]], null])
      const found = async (q: string) =>
        (await everywhere('GET', `/users?${new URLSearchParams({ q, total: 'true' })}`)).data.total
      expect(await Promise.all([`A.${mark}`, `a_${mark}`, `%${mark}`, `${mark}\\`].map(found))).toEqual([1, 0, 0, 0])
    })

    it('in a tenant are its members', async () => {
      const ids = (await walk(inAcme, '/users', 1)).flat().map(idOf)
      expect(ids).toEqual([member.id, manager.id])
      const { data } = await inAcme('GET', '/users?total=true')
      expect([data.total, data.items.map(idOf)]).toEqual([2, ids])
      expect((await inAcme('GET', `/users?q=${stranger.email}&total=true`)).data).toMatchObject({ items: [], total: 0 })
    })

    it('take only cursors of the same list in the same bucket', async () => {
      const cursorOf = async (call: Caller, path: string) => (await call('GET', path)).data.next_cursor
      const own = await cursorOf(inAcme, '/users?limit=1')
      const elsewhere = await cursorOf(everywhere, '/users?limit=1')
      const replies = [
        await everywhere('GET', `/users?cursor=${own}`),
        await inAcme('GET', `/users?cursor=${elsewhere}`),
        await inAcme('GET', `/users?q=example&cursor=${own}`),
        await inAcme('GET', `/users?cursor=${own.slice(1)}`),
      ]
      expect(replies.map(said)).toEqual(Array(4).fill('400 cursor.invalid'))
      expect(said(await inAcme('GET', '/users?limit=0'))).toBe('400 validation')
    })
  })

  it('of another tenant answer as unknown ones do', async () => {
    const role = await makeRole(inAcme)
    const asked = (id: string) => [
      inAcme('GET', `/users/${id}`),
      inAcme('GET', `/users/${id}/roles`),
      inAcme('GET', `/users/${id}/access`),
      setRoles(inAcme, id, role),
      setRoles(inAcme, id),
    ]
    for (const id of [stranger.id, admin.id, unknown]) {
      const replies = await Promise.all(asked(id))
      expect(replies.map(said)).toEqual(Array(5).fill('404 user.not_found'))
    }
    const outside = [
      await everywhere('GET', `/users/${unknown}`),
      await everywhere('GET', `/users/${unknown}/roles`),
      await everywhere('GET', `/users/${unknown}/access`),
      await setRoles(everywhere, unknown),
      await everywhere('POST', `/users/${unknown}/disable`),
      await everywhere('POST', `/users/${unknown}/enable`),
    ]
    expect(outside.map(said)).toEqual(Array(6).fill('404 user.not_found'))
    expect(said(await everywhere('GET', '/users/me'))).toBe('400 validation')
  })

  describe('disabled', () => {
    it('lose their sessions at once and sign in no more, until they are enabled', async () => {
      const account = await register(app)
      const second = await login(app, account.email)
      const disabled = await everywhere('POST', `/users/${account.id}/disable`)
      expect([disabled.status, disabled.data.id]).toEqual([200, account.id])
      expect(disabled.data.disabled_at).toBe(disabled.data.updated_at)
      for (const { accessToken } of [account, second]) {
        expect(said(await callerOf(app, { accessToken })('GET', '/auth/me'))).toBe('401 auth.invalid')
      }
      const body = { refresh_token: account.refreshToken }
      expect((await app.request('POST', '/api/v1/auth/refresh', { body })).status).toBe(401)
      const enabled = await everywhere('POST', `/users/${account.id}/enable`)
      expect(enabled.data).toMatchObject({ id: account.id, disabled_at: null })
      // What was ended stays ended.
      expect(said(await callerOf(app, account)('GET', '/auth/me'))).toBe('401 auth.invalid')
      expect(said(await callerOf(app, await login(app, account.email))('GET', '/auth/me'))).toBe('200')
    })

    it('stay as they are when it is said again', async () => {
      const { id } = await register(app)
      const first = await everywhere('POST', `/users/${id}/disable`)
      expect((await everywhere('POST', `/users/${id}/disable`)).data).toEqual(first.data)
      const enabled = await everywhere('POST', `/users/${id}/enable`)
      expect((await everywhere('POST', `/users/${id}/enable`)).data).toEqual(enabled.data)
      expect((await everywhere('GET', `/users/${id}`)).data).toEqual(enabled.data)
    })

    it('lose their API keys too', async () => {
      const account = await register(app)
      const made = await callerOf(app, account)('POST', '/api-keys', { name: 'Key', scopes: ['*'] })
      const withKey = callerOf(app, { accessToken: made.data.plaintext })
      expect(said(await withKey('GET', '/me/access'))).toBe('200')
      await everywhere('POST', `/users/${account.id}/disable`)
      expect(said(await withKey('GET', '/me/access'))).toBe('401 apikey.invalid')
    })

    it('are so by global holders alone', async () => {
      const replies = [
        await inAcme('POST', `/users/${member.id}/disable`),
        await inAcme('POST', `/users/${member.id}/enable`),
      ]
      expect(replies.map(said)).toEqual(Array(2).fill('403 rbac.permission_required'))
    })
  })

  describe('granted roles', () => {
    it('hold them in the bucket of the grant', async () => {
      const [own, shared] = [await makeRole(inAcme, 'users.read'), await makeRole(everywhere, 'rbac.manage')]
      const set = await setRoles(inAcme, member.id, own, shared, own)
      expect(set.status).toBe(200)
      expect(new Set(set.data.map(idOf))).toEqual(new Set([own, shared]))
      expect((await inAcme('GET', `/users/${member.id}/roles`)).data).toEqual(set.data)
      expect((await everywhere('GET', `/users/${member.id}/roles`)).data).toEqual([])
      const rows = await app.sql('select tenant_id from user_roles where user_id = $1', [member.id])
      expect(rows.map(({ tenant_id }) => tenant_id)).toEqual([acme.id, acme.id])
      expect(said(await callerOf(app, member, acme)('GET', '/users'))).toBe('200')
      expect(said(await callerOf(app, member)('GET', '/users'))).toBe('403 rbac.permission_required')
      expect(said(await setRoles(everywhere, member.id, own))).toBe('404 rbac.role_not_found')
      expect((await setRoles(inAcme, member.id, own)).data.map(idOf)).toEqual([own])
      expect((await setRoles(inAcme, member.id)).data).toEqual([])
      expect(said(await callerOf(app, member, acme)('GET', '/users'))).toBe('403 rbac.permission_required')
    })

    it('globally hold them in every tenant', async () => {
      const account = await joined(app, acme)
      const role = await makeRole(everywhere, 'users.read')
      await setRoles(everywhere, account.id, role)
      for (const tenant of [acme, undefined]) {
        expect(said(await callerOf(app, account, tenant)('GET', '/users'))).toBe('200')
      }
      // Replacing what was granted in a tenant leaves what counts everywhere.
      await setRoles(inAcme, account.id)
      expect((await everywhere('GET', `/users/${account.id}/roles`)).data.map(idOf)).toEqual([role])
    })

    it('keep what they had when one is unknown, or belongs to another tenant', async () => {
      const owner = await register(app)
      const other = await found(app, owner)
      await grant(app, owner, { permissions: ['rbac.manage'], tenant: other })
      const foreign = await makeRole(callerOf(app, owner, other))
      const account = await joined(app, acme)
      const role = await makeRole(inAcme)
      await setRoles(inAcme, account.id, role)
      for (const id of [unknown, foreign]) {
        expect(said(await setRoles(inAcme, account.id, await makeRole(inAcme), id))).toBe('404 rbac.role_not_found')
      }
      expect((await inAcme('GET', `/users/${account.id}/roles`)).data.map(idOf)).toEqual([role])
    })

    it.each([
      ['many', Array.from({ length: 10_000 }, () => unknown)],
      ['none', undefined],
      ['malformed', ['x']],
      ['null', null],
    ])('refuse ids that are %s', async (_what, role_ids) => {
      const reply = await everywhere('PUT', `/users/${stranger.id}/roles`, { role_ids })
      expect(said(reply)).toBe('400 validation')
      expect(Object.keys(reply.meta.fields)).toEqual([
        Array.isArray(role_ids) && role_ids.length === 1 ? 'role_ids[0]' : 'role_ids',
      ])
    })

    it('take a tenant in the input only when it repeats the one of the call', async () => {
      const reply = await everywhere('PUT', `/users/${member.id}/roles`, { role_ids: [], tenant_id: acme.id })
      expect(said(reply)).toBe('400 tenant.invalid')
      const same = await inAcme('PUT', `/users/${member.id}/roles`, { role_ids: [], tenant_id: acme.id })
      expect(said(same)).toBe('200')
    })
  })

  describe('never get from others what those do not hold', () => {
    it('by a global role with more in it', async () => {
      const role = await makeRole(everywhere, 'menu.manage', 'users.read')
      const reply = await setRoles(inAcme, member.id, role)
      expect(said(reply)).toBe('403 rbac.escalation')
      expect(reply.meta).toEqual({ permissions: ['menu.manage'] })
      const self = await setRoles(inAcme, manager.id, await adminRole())
      expect(said(self)).toBe('403 rbac.escalation')
      expect(self.meta.permissions).toEqual([...self.meta.permissions].sort())
      expect((await inAcme('GET', `/users/${member.id}/roles`)).data).toEqual([])
    })

    it('but keep what somebody else gave them', async () => {
      const account = await joined(app, acme)
      const strong = await makeRole(everywhere, 'menu.manage')
      await setRoles(callerOf(app, admin, acme), account.id, strong)
      const weak = await makeRole(inAcme, 'users.read')
      expect(said(await setRoles(inAcme, account.id, strong, weak))).toBe('200')
      expect(said(await setRoles(inAcme, account.id, weak))).toBe('200')
      expect(said(await setRoles(inAcme, account.id, strong, weak))).toBe('403 rbac.escalation')
    })

    it('by a key that may do less than its owner', async () => {
      const made = await everywhere('POST', '/api-keys', { name: 'Key', scopes: ['rbac.manage'] })
      const withKey = callerOf(app, { accessToken: made.data.plaintext })
      const reply = await setRoles(withKey, stranger.id, await makeRole(everywhere, 'users.read', 'rbac.manage'))
      expect([said(reply), reply.meta]).toEqual(['403 rbac.escalation', { permissions: ['users.read'] }])
      expect(said(await setRoles(withKey, stranger.id, await makeRole(everywhere, 'rbac.manage')))).toBe('200')
      await setRoles(everywhere, stranger.id)
    })

    it('by global standing that a tenant gave', async () => {
      const outside = callerOf(app, manager)
      expect(said(await setRoles(outside, manager.id))).toBe('403 rbac.permission_required')
    })
  })

  it('explain where each permission comes from', async () => {
    const account = await joined(app, acme)
    const own = await makeRole(inAcme, 'users.read', 'rbac.manage')
    const shared = await makeRole(everywhere, 'menu.manage', 'users.read')
    await setRoles(callerOf(app, admin, acme), account.id, own, shared)
    await setRoles(everywhere, account.id, shared)
    const here = (await inAcme('GET', `/users/${account.id}/access`)).data.permissions
    expect(here.map(({ code }: { code: string }) => code)).toEqual(['menu.manage', 'rbac.manage', 'users.read'])
    const source = (role_id: string, granted_in: string | null) => ({
      role_id,
      role_code: expect.stringMatching(/^role-/),
      granted_in,
    })
    expect(here[0].sources).toEqual([source(shared, null), source(shared, acme.id)])
    expect(here[1].sources).toEqual([source(own, acme.id)])
    expect(here[2].sources).toHaveLength(3)
    const outside = (await everywhere('GET', `/users/${account.id}/access`)).data.permissions
    expect(outside).toEqual([
      { code: 'menu.manage', sources: [source(shared, null)] },
      { code: 'users.read', sources: [source(shared, null)] },
    ])
    expect((await everywhere('GET', `/users/${stranger.id}/access`)).data).toEqual({ permissions: [] })
  })

  describe('who are administrators', () => {
    it('are never gone altogether', async () => {
      const own = await startApp({ adapter })
      const first = await registerAdmin(own)
      const call = callerOf(own, first)
      expect(said(await setRoles(call, first.id))).toBe('409 user.last_admin')
      expect(said(await call('POST', `/users/${first.id}/disable`))).toBe('409 user.last_admin')
      const [{ id: role } = {}] = await own.sql('select id from roles where is_system')
      const second = await register(own)
      expect(said(await setRoles(call, second.id, String(role)))).toBe('200')
      expect((await callerOf(own, second)('GET', '/auth/me')).data.role).toBe('admin')
      await call('POST', `/users/${second.id}/disable`)
      // Whoever cannot sign in does not count.
      expect(said(await setRoles(call, first.id))).toBe('409 user.last_admin')
      expect(said(await setRoles(call, second.id))).toBe('200')
      await call('POST', `/users/${second.id}/enable`)
      await setRoles(call, second.id, String(role))
      expect(said(await call('POST', `/users/${first.id}/disable`))).toBe('200')
      const rest = callerOf(own, await login(own, second.email))
      expect(said(await rest('POST', `/users/${second.id}/disable`))).toBe('409 user.last_admin')
      await own.close()
    })

    it('are so globally: the role granted in a tenant makes none', async () => {
      const account = await joined(app, acme)
      const there = callerOf(app, admin, acme)
      expect(said(await setRoles(there, account.id, await adminRole()))).toBe('200')
      expect((await callerOf(app, account)('GET', '/auth/me')).data.role).toBe('user')
      expect(said(await setRoles(there, account.id))).toBe('200')
    })
  })
})
