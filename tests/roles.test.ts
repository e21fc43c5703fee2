import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, register, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { type Caller, callerOf, said, walk } from './support/caller.ts'
import { grant } from './support/grants.ts'
import { found, type Tenant } from './support/tenants.ts'

const unknown = randomUUID()
const newCode = () => `role-${randomUUID()}`
const idOf = ({ id }: { id: string }) => id

describe.each(adapters)('roles on %s', (adapter) => {
  let app: TestApp
  let admin: Account
  /** An administrator, without a tenant. */
  let everywhere: Caller
  let acme: Tenant
  /** Manages roles and menus of one tenant, and nothing else. */
  let inAcme: Caller
  /** The same of another tenant. */
  let inOther: Caller
  beforeAll(async () => {
    app = await startApp({ adapter })
    admin = await registerAdmin(app)
    everywhere = callerOf(app, admin)
    const manager = await register(app)
    acme = await found(app, manager)
    await grant(app, manager, { permissions: ['rbac.manage', 'menu.manage'], tenant: acme })
    inAcme = callerOf(app, manager, acme)
    const stranger = await register(app)
    const other = await found(app, stranger)
    await grant(app, stranger, { permissions: ['rbac.manage', 'menu.manage'], tenant: other })
    inOther = callerOf(app, stranger, other)
  })
  afterAll(() => app.close())

  const create = async (call: Caller, fields: object = {}) =>
    (await call('POST', '/roles', { code: newCode(), name: 'Role', ...fields })).data
  const idsOf = async (...codes: string[]): Promise<string[]> =>
    (await app.sql('select id from permissions where code = any ($1)', [codes])).map(({ id }) => String(id))
  const systemRole = async (): Promise<string> => String((await app.sql('select id from roles where is_system'))[0]?.id)

  it('are made in the bucket of the call', async () => {
    const code = newCode()
    const global = await everywhere('POST', '/roles', { code: code.toUpperCase(), name: ' Editor ' })
    expect(global.status).toBe(201)
    expect(global.data).toMatchObject({ code, name: 'Editor', description: '', tenant_id: null, is_system: false })
    expect(Object.keys(global.data)).toEqual([
      'id',
      'tenant_id',
      'code',
      'name',
      'description',
      'is_system',
      'created_at',
      'updated_at',
    ])
    const own = await inAcme('POST', '/roles', { code, name: 'Editor', tenant_id: acme.id, is_system: true })
    expect([own.status, own.data.tenant_id, own.data.is_system]).toEqual([201, acme.id, false])
    expect((await inAcme('GET', `/roles/${own.data.id}`)).data).toEqual(own.data)
  })

  it('take a tenant in the input only when it repeats the one of the call', async () => {
    const body = { code: newCode(), name: 'Role', tenant_id: randomUUID() }
    const replies = [
      await everywhere('POST', '/roles', body),
      await inAcme('POST', '/roles', body),
      await everywhere('GET', `/roles?tenant_id=${acme.id}`),
    ]
    expect(replies.map(said)).toEqual(Array(3).fill('400 tenant.invalid'))
    expect(said(await everywhere('POST', '/roles', { ...body, tenant_id: null }))).toBe('201')
    expect(said(await inAcme('GET', `/roles?tenant_id=${acme.id.toUpperCase()}`))).toBe('200')
  })

  it('have codes of their own in a bucket, also when two are made at once', async () => {
    const body = { code: newCode(), name: 'Role' }
    const replies = await Promise.all([1, 2].map(() => inAcme('POST', '/roles', body)))
    expect(replies.map(said).sort()).toEqual(['201', '409 rbac.role_code_taken'])
    expect(said(await inOther('POST', '/roles', body))).toBe('201')
    expect(said(await everywhere('POST', '/roles', body))).toBe('201')
    expect(said(await everywhere('POST', '/roles', body))).toBe('409 rbac.role_code_taken')
  })

  it('can be deleted and made again, and grants go with them', async () => {
    const role = await create(inAcme)
    await inAcme('PUT', `/roles/${role.id}/permissions`, { permission_ids: await idsOf('menu.manage') })
    const member = await register(app)
    await app.sql('insert into members (tenant_id, user_id) values ($1, $2)', [acme.id, member.id])
    await inAcme('PUT', `/users/${member.id}/roles`, { role_ids: [role.id] })
    const mine = async () => (await callerOf(app, member, acme)('GET', '/me/access')).data
    expect(await mine()).toMatchObject({ roles: [{ id: role.id }], permissions: ['menu.manage'] })
    expect(said(await inAcme('DELETE', `/roles/${role.id}`))).toBe('204')
    expect(await mine()).toEqual({ roles: [], permissions: [] })
    expect((await create(inAcme, { code: role.code })).id).not.toBe(role.id)
    expect(await mine()).toEqual({ roles: [], permissions: [] })
  })

  it('keep the fields that a change leaves out', async () => {
    const role = await create(inAcme, { description: 'First.' })
    const renamed = await inAcme('PATCH', `/roles/${role.id}`, { name: 'Second' })
    expect(renamed.data).toMatchObject({ ...role, name: 'Second', updated_at: expect.any(String) })
    expect(renamed.data.updated_at >= role.updated_at).toBe(true)
    const emptied = await inAcme('PATCH', `/roles/${role.id}`, { description: '', code: 'other', is_system: true })
    expect(emptied.data).toMatchObject({ code: role.code, name: 'Second', description: '', is_system: false })
  })

  it.each([
    ['code', 'with.dot'],
    ['code', 'x'],
    ['code', 'x'.repeat(101)],
    ['code', undefined],
    ['name', '    '],
    ['name', 'x'.repeat(129)],
    ['description', 'x'.repeat(501)],
    ['tenant_id', 'acme'],
  ])('refuse a bad %s (%j)', async (field, value) => {
    const reply = await everywhere('POST', '/roles', { code: newCode(), name: 'Role', [field]: value })
    expect(said(reply)).toBe('400 validation')
    expect(Object.keys(reply.meta.fields)).toEqual([field])
  })

  it('take names of one character, and ids of any version', async () => {
    const role = await create(everywhere, { name: 'x' })
    expect(role.name).toBe('x')
    for (const version of '0147f') {
      const id = `018f6b0e-0000-${version}000-8000-000000000000`
      expect(said(await everywhere('GET', `/roles/${id}`))).toBe('404 rbac.role_not_found')
    }
    for (const id of ['1', '018f6b0e00007000800000000000000z', "'", '018f6b0e-0000-7000-8000-0000000000000']) {
      expect(said(await everywhere('GET', `/roles/${id}`))).toBe('400 validation')
    }
  })

  it('are known in sight and changed in their own bucket', async () => {
    const own = await create(inAcme)
    const global = await create(everywhere)
    const asked = (call: Caller, id: string) => [
      call('GET', `/roles/${id}`),
      call('GET', `/roles/${id}/permissions`),
      call('PATCH', `/roles/${id}`, { name: 'Taken over' }),
      call('PUT', `/roles/${id}/permissions`, { permission_ids: [] }),
      call('DELETE', `/roles/${id}`),
    ]
    const answers = async (call: Caller, id: string) => (await Promise.all(asked(call, id))).map(said)
    const none = Array(5).fill('404 rbac.role_not_found')
    for (const call of [everywhere, inOther, callerOf(app, admin, acme)])
      expect(await answers(call, unknown)).toEqual(none)
    expect(await answers(inOther, own.id)).toEqual(none)
    expect(await answers(everywhere, own.id)).toEqual(none)
    // An administrator may enter every tenant, and sees there what is of the tenant, or of all.
    expect(said(await callerOf(app, admin, acme)('GET', `/roles/${own.id}`))).toBe('200')
    expect(await answers(inAcme, global.id)).toEqual(['200', '200', ...none.slice(2)])
    expect((await everywhere('GET', `/roles/${global.id}`)).data).toEqual(global)
    expect((await inAcme('GET', `/roles/${own.id}`)).data).toEqual(own)
  })

  it('of the system cannot be changed', async () => {
    const id = await systemRole()
    const replies = [
      await everywhere('PATCH', `/roles/${id}`, { name: 'Mine' }),
      await everywhere('PUT', `/roles/${id}/permissions`, { permission_ids: [] }),
      await everywhere('DELETE', `/roles/${id}`),
    ]
    expect(replies.map(said)).toEqual(Array(3).fill('403 rbac.role_is_system'))
    expect(said(await inAcme('DELETE', `/roles/${id}`))).toBe('404 rbac.role_not_found')
    expect(said(await everywhere('GET', `/roles/${id}`))).toBe('200')
  })

  it('are listed by name: the global ones, and in a tenant its own too', async () => {
    const mark = randomUUID().slice(0, 8)
    const names = ['c', 'a', 'b'].map((name) => `${mark} ${name}`)
    for (const name of names) await create(everywhere, { name })
    await create(inAcme, { name: `${mark} aa` })
    await create(inOther, { name: `${mark} secret` })
    const namesOf = async (call: Caller) =>
      (await walk(call, `/roles?q=${mark}`, 2)).map((items) => items.map(({ name }) => name.slice(9)))
    expect(await namesOf(everywhere)).toEqual([['a', 'b'], ['c']])
    expect(await namesOf(inAcme)).toEqual([
      ['a', 'aa'],
      ['b', 'c'],
    ])
    expect(await namesOf(inOther)).toEqual([
      ['a', 'b'],
      ['c', 'secret'],
    ])
    const totals = [everywhere, inAcme].map(
      async (call) => (await call('GET', `/roles?q=${mark}&total=true`)).data.total,
    )
    expect(await Promise.all(totals)).toEqual([3, 4])
  })

  it('are found by a piece of name or code, taken as it is', async () => {
    const mark = randomUUID().slice(0, 8)
    await create(everywhere, { name: `${mark} 50%`, code: `${mark}-per-cent` })
    await create(everywhere, { name: `${mark} 50 of`, code: `${mark}_half` })
    const total = async (q: string) =>
      (await everywhere('GET', `/roles?${new URLSearchParams({ q, total: 'true' })}`)).data.total
    expect(await Promise.all([mark, `${mark} 50%`, `${mark}_`, `${mark}-PER`, `${mark}\\`].map(total))).toEqual([
      2, 1, 1, 1, 0,
    ])
  })

  it('of the same name are each listed once', async () => {
    const name = randomUUID()
    for (let index = 0; index < 5; index += 1) await create(everywhere, { name })
    const pages = await walk(everywhere, `/roles?q=${name}`, 2)
    expect(pages.map((items) => items.length)).toEqual([2, 2, 1])
    expect(new Set(pages.flat().map(idOf)).size).toBe(5)
  })

  it('take only cursors of the same list in the same bucket', async () => {
    for (const call of [everywhere, inAcme]) for (const _ of [1, 2]) await create(call)
    const cursorOf = async (call: Caller, path: string) => (await call('GET', path)).data.next_cursor
    const own = await cursorOf(inAcme, '/roles?limit=1')
    const replies = [
      await inOther('GET', `/roles?cursor=${own}`),
      await everywhere('GET', `/roles?cursor=${own}`),
      await inAcme('GET', `/roles?cursor=${await cursorOf(everywhere, '/roles?limit=1')}`),
      await inAcme('GET', `/roles?cursor=${await cursorOf(inAcme, '/permissions?limit=1')}`),
      await inAcme('GET', `/roles?q=role&cursor=${own}`),
      await inAcme('GET', `/roles?cursor=${own}A`),
    ]
    expect(replies.map(said)).toEqual(Array(6).fill('400 cursor.invalid'))
    expect(said(await inAcme('GET', `/roles?cursor=${own}`))).toBe('200')
  })

  it('give cursors that the list takes back, however long the names', async () => {
    const mark = randomUUID()
    for (const end of ['a', 'b']) await create(everywhere, { name: mark + '\u{1f600}'.repeat(91) + end })
    expect((await walk(everywhere, `/roles?q=${mark}`, 1)).map((items) => items.length)).toEqual([1, 1])
  })

  it('hold the permissions they were given last', async () => {
    const role = await create(everywhere)
    const path = `/roles/${role.id}/permissions`
    const set = async (ids: string[]) => everywhere('PUT', path, { permission_ids: ids })
    const codesOf = (permissions: { code: string }[]) => permissions.map(({ code }) => code)
    const first = await set(await idsOf('users.read', 'menu.manage'))
    expect([first.status, codesOf(first.data)]).toEqual([200, ['menu.manage', 'users.read']])
    const second = await set([...(await idsOf('rbac.manage', 'users.read')), ...(await idsOf('users.read'))])
    expect(codesOf(second.data)).toEqual(['rbac.manage', 'users.read'])
    expect((await everywhere('GET', path)).data).toEqual(second.data)
    expect((await set([])).data).toEqual([])
    expect((await everywhere('GET', path)).data).toEqual([])
  })

  it('stay as they were when a permission is unknown', async () => {
    const role = await create(everywhere)
    const path = `/roles/${role.id}/permissions`
    const ids = await idsOf('users.read')
    await everywhere('PUT', path, { permission_ids: ids })
    const reply = await everywhere('PUT', path, { permission_ids: [...(await idsOf('menu.manage')), unknown] })
    expect(said(reply)).toBe('404 rbac.permission_not_found')
    expect((await everywhere('GET', path)).data.map(idOf)).toEqual(ids)
  })

  it.each([
    ['many', Array.from({ length: 10_000 }, () => unknown)],
    ['too many', Array.from({ length: 501 }, () => unknown)],
    ['none', undefined],
    ['a text', unknown],
    ['malformed', ['x']],
  ])('refuse ids that are %s', async (_what, permission_ids) => {
    const role = await create(everywhere)
    expect(said(await everywhere('PUT', `/roles/${role.id}/permissions`, { permission_ids }))).toBe('400 validation')
  })

  it('take 500 ids', async () => {
    const role = await create(everywhere)
    const [id] = await idsOf('users.read')
    const reply = await everywhere('PUT', `/roles/${role.id}/permissions`, { permission_ids: Array(500).fill(id) })
    expect([reply.status, reply.data.length]).toEqual([200, 1])
  })

  it('are given only what the caller holds', async () => {
    const role = await create(inAcme)
    const path = `/roles/${role.id}/permissions`
    const reply = await inAcme('PUT', path, {
      permission_ids: await idsOf('users.read', 'users.manage', 'menu.manage'),
    })
    expect(said(reply)).toBe('403 rbac.escalation')
    expect(reply.meta).toEqual({ permissions: ['users.manage', 'users.read'] })
    expect((await inAcme('GET', path)).data).toEqual([])
    expect(said(await inAcme('PUT', path, { permission_ids: await idsOf('menu.manage') }))).toBe('200')
  })

  it('may keep and lose what the caller does not hold', async () => {
    const role = await create(inAcme)
    const path = `/roles/${role.id}/permissions`
    await callerOf(app, admin, acme)('PUT', path, { permission_ids: await idsOf('users.read', 'users.manage') })
    const kept = await inAcme('PUT', path, { permission_ids: await idsOf('users.read', 'menu.manage') })
    expect(kept.data.map(({ code }: { code: string }) => code)).toEqual(['menu.manage', 'users.read'])
    const again = await inAcme('PUT', path, { permission_ids: await idsOf('users.manage') })
    expect(again.meta).toEqual({ permissions: ['users.manage'] })
  })

  it('are not changed by a manager of a tenant who leaves the tenant out', async () => {
    const manager = await register(app)
    const tenant = await found(app, manager)
    await grant(app, manager, { permissions: ['rbac.manage'], tenant })
    const role = await create(everywhere)
    const outside = callerOf(app, manager)
    const replies = [
      await outside('GET', '/roles'),
      await outside('POST', '/roles', { code: newCode(), name: 'x' }),
      await outside('PUT', `/roles/${role.id}/permissions`, { permission_ids: [] }),
    ]
    expect(replies.map(said)).toEqual(Array(3).fill('403 rbac.permission_required'))
    const foreign = callerOf(app, manager, acme)
    expect(said(await foreign('GET', '/roles'))).toBe('403 tenant.forbidden')
    expect(said(await callerOf(app, manager, { id: 'acme' })('GET', '/roles'))).toBe('400 tenant.invalid')
  })
})
