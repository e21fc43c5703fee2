import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { register, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { callerOf, said } from './support/caller.ts'
import { grant, makeAdministrator, withdraw } from './support/grants.ts'
import { found, joined } from './support/tenants.ts'

const idsOf = (roles: { id: string }[]) => roles.map(({ id }) => id)

describe.each(adapters)('access.mine on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  it('is empty, and never null, for whoever was granted nothing', async () => {
    const call = callerOf(app, await register(app))
    expect((await call('GET', '/me/access')).data).toEqual({ roles: [], permissions: [] })
  })

  it('holds what was granted here and globally, each once, in order', async () => {
    const owner = await register(app)
    const [acme, other] = [await found(app, owner), await found(app, owner)]
    const own = await grant(app, owner, { permissions: ['users.read', 'menu.manage'], tenant: acme })
    const global = await grant(app, owner, { permissions: ['users.read', 'rbac.manage'] })
    const foreign = await grant(app, owner, { permissions: ['users.manage'], tenant: other })
    // The same role once more, in the tenant.
    await app.sql('insert into user_roles (user_id, role_id, tenant_id) values ($1, $2, $3)', [
      owner.id,
      global,
      acme.id,
    ])
    const here = (await callerOf(app, owner, acme)('GET', '/me/access')).data
    expect(here.permissions).toEqual(['menu.manage', 'rbac.manage', 'users.read'])
    expect(idsOf(here.roles)).toEqual([own, global].sort())
    const outside = (await callerOf(app, owner)('GET', '/me/access')).data
    expect(outside).toMatchObject({
      roles: [{ id: global, tenant_id: null }],
      permissions: ['rbac.manage', 'users.read'],
    })
    const there = (await callerOf(app, owner, other)('GET', '/me/access')).data
    expect(there.permissions).toEqual(['rbac.manage', 'users.manage', 'users.read'])
    expect(idsOf(there.roles)).toEqual([foreign, global].sort())
  })

  it('shows an API key what it may use, and no roles', async () => {
    const account = await register(app)
    await grant(app, account, { permissions: ['users.read', 'menu.manage'] })
    const call = callerOf(app, account)
    const { data } = await call('POST', '/api-keys', { name: 'Key', scopes: ['menu.manage'] })
    const withKey = callerOf(app, { accessToken: data.plaintext })
    expect((await withKey('GET', '/me/access')).data).toEqual({ roles: [], permissions: ['menu.manage'] })
  })

  it('follows every change with the next call', async () => {
    const account = await register(app)
    const call = callerOf(app, account)
    const permissions = async () => (await call('GET', '/me/access')).data.permissions
    const role = await grant(app, account, { permissions: ['users.read'] })
    expect(await permissions()).toEqual(['users.read'])
    await app.sql('delete from role_permissions where role_id = $1', [role])
    expect(await permissions()).toEqual([])
    await makeAdministrator(app, account)
    expect(await permissions()).toContain('rbac.manage')
    await withdraw(app, account, role)
    expect((await call('GET', '/me/access')).data.roles).toMatchObject([{ code: 'admin', is_system: true }])
  })

  it('counts at once on every instance', async () => {
    const admin = await registerAdmin(app)
    const account = await joined(app, await found(app, admin))
    const role = await grant(app, account, { permissions: ['users.read'] })
    const call = callerOf(app, account)
    expect(said(await call('GET', '/users'))).toBe('200')
    await callerOf(app, admin)('PUT', `/users/${account.id}/roles`, { role_ids: [] })
    expect(said(await call('GET', '/users'))).toBe('403 rbac.permission_required')
    await callerOf(app, admin)('PUT', `/users/${account.id}/roles`, { role_ids: [role] })
    expect(said(await call('GET', '/users'))).toBe('200')
  })

  it('can be kept by the client and is asked for again by its tag', async () => {
    const account = await register(app)
    const call = callerOf(app, account)
    const first = await call('GET', '/me/access')
    const tag = first.headers.get('etag') ?? ''
    expect(first.headers.get('cache-control')).toBe('private, max-age=30, must-revalidate')
    expect(first.headers.get('vary')).toBe('Authorization, X-Tenant-ID')
    const again = await call('GET', '/me/access', undefined, { 'if-none-match': tag })
    expect([again.status, again.data, again.headers.get('etag')]).toEqual([304, undefined, tag])
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
    await grant(app, account, { permissions: ['users.read'] })
    const changed = await call('GET', '/me/access', undefined, { 'if-none-match': tag })
    expect([changed.status, changed.data.permissions]).toEqual([200, ['users.read']])
    expect(changed.headers.get('etag')).not.toBe(tag)
  })

  it('asks for a tenant one belongs to', async () => {
    const account = await register(app)
    const tenant = await found(app, await register(app))
    expect(said(await callerOf(app, account, tenant)('GET', '/me/access'))).toBe('403 tenant.forbidden')
    expect(said(await callerOf(app, account, { id: randomUUID() })('GET', '/me/access'))).toBe('403 tenant.forbidden')
    expect(said(await callerOf(app, account, { id: 'x' })('GET', '/me/access'))).toBe('400 tenant.invalid')
  })
})
