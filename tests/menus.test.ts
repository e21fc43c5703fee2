import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { grantCodes, type MenuCalls, menuCalls, openTenant, outline } from './support/menuScene.ts'
import type { Reply } from './support/request.ts'

const absent = '018f6b0e-0000-7000-8000-000000000000'
const codeOf = ({ status, body }: Reply) => [status, body?.error?.code]

describe.each(adapters)('menus on %s', (adapter) => {
  let app: TestApp
  let manager: Account
  /** The global entries, those of a tenant, and those of another tenant; the manager may manage all of them. */
  let global: MenuCalls
  let tenant: MenuCalls
  let other: MenuCalls
  let tenantId: string

  beforeAll(async () => {
    app = await startApp({ adapter })
    manager = await register(app)
    await grantCodes(app, manager, ['menu.manage'])
    global = menuCalls(app, manager.accessToken)
    tenantId = await openTenant(app, manager)
    tenant = menuCalls(app, manager.accessToken, tenantId)
    other = await emptyTenant()
  })
  afterAll(() => app.close())

  /** The calls in a tenant of its own, so that lists hold what one test made. */
  const emptyTenant = async () => menuCalls(app, manager.accessToken, await openTenant(app, manager))
  const clearGlobal = () => app.sql('delete from menus where tenant_id is null')

  it('creates an entry with everything that can be said of it', async () => {
    const fields = {
      code: 'reports.all',
      label: '  Reports ',
      icon: 'chart',
      path: '/reports',
      sort_order: -3,
      required_permission_code: 'reports.read',
      is_visible: false,
      metadata: { badge: [1, null, 'new'] },
    }
    const parent_id = await tenant.add('above')
    const { status, body } = await tenant.create({ ...fields, parent_id, tenant_id: tenantId })
    expect(status).toBe(201)
    expect(body.data).toEqual({
      ...fields,
      label: 'Reports',
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      tenant_id: tenantId,
      parent_id,
      created_at: expect.any(String),
      updated_at: body.data.created_at,
    })
    expect(Math.abs(Date.parse(body.data.created_at) - Date.now())).toBeLessThan(60_000)
    expect((await tenant.get(body.data.id)).body.data).toEqual(body.data)
  })

  it('shows an entry that says no more than code and label to everybody', async () => {
    const { body } = await tenant.create({ code: 'plain', label: 'Plain' })
    expect(body.data).toMatchObject({
      parent_id: null,
      icon: '',
      path: '',
      sort_order: 0,
      required_permission_code: null,
      is_visible: true,
      metadata: {},
    })
  })

  it('takes null for parent, permission and metadata', async () => {
    const reply = await tenant.create({
      tenant_id: null,
      parent_id: null,
      required_permission_code: null,
      metadata: null,
    })
    expect([reply.status, reply.body.data.metadata, reply.body.data.parent_id]).toEqual([201, null, null])
  })

  it.each([
    ['code', { code: 'a' }, 'must be at least 2'],
    ['code', { code: 'a b' }, 'must not hold white space or slashes'],
    ['code', { code: 'a/b' }, 'must not hold white space or slashes'],
    ['code', { code: 'a\\b' }, 'must not hold white space or slashes'],
    ['code', { code: 'x'.repeat(101) }, 'must be at most 100'],
    ['label', { label: '   ' }, 'is required'],
    ['label', { label: 'x'.repeat(129) }, 'must be at most 128'],
    ['icon', { icon: 'x'.repeat(65) }, 'must be at most 64'],
    ['path', { path: 'x'.repeat(256) }, 'must be at most 255'],
    ['sort_order', { sort_order: 1.5 }, 'must be an integer'],
    ['sort_order', { sort_order: 2 ** 31 }, 'must be at most 2147483647'],
    ['required_permission_code', { required_permission_code: 'x'.repeat(101) }, 'must be at most 100'],
    ['is_visible', { is_visible: 'yes' }, 'must be a boolean'],
    ['parent_id', { parent_id: 'nonsense' }, 'must be a valid uuid'],
  ])('refuses a %s that is wrong: %o', async (field, fields, sentence) => {
    const reply = await tenant.create(fields)
    expect(codeOf(reply)).toEqual([400, 'validation'])
    expect(reply.body.error.meta.fields).toEqual({ [field]: expect.stringContaining(sentence) })
  })

  it('takes a label of one character and counts code points', async () => {
    expect((await tenant.create({ label: 'x' })).status).toBe(201)
    expect((await tenant.create({ label: '😀'.repeat(128) })).status).toBe(201)
  })

  it('keeps metadata of 64 KiB, and refuses one byte more and a body of 2 MiB', async () => {
    const metadata = { text: 'x'.repeat(65_536 - '{"text":""}'.length) }
    const created = await tenant.create({ metadata })
    expect([created.status, created.body.data.metadata]).toEqual([201, metadata])
    expect(codeOf(await tenant.create({ metadata: { text: `${metadata.text}x` } }))).toEqual([400, 'validation'])
    expect(codeOf(await tenant.create({ metadata: 'x'.repeat(2 * 1024 * 1024) }))).toEqual([413, 'request.too_large'])
  })

  it('gives a code once in a tenant, and once globally', async () => {
    const code = `twice-${randomUUID()}`
    expect((await tenant.create({ code })).status).toBe(201)
    expect(codeOf(await tenant.create({ code }))).toEqual([409, 'menu.code_taken'])
    expect((await other.create({ code })).status).toBe(201)
    expect((await global.create({ code })).status).toBe(201)
    expect(codeOf(await global.create({ code }))).toEqual([409, 'menu.code_taken'])
  })

  it('gives a code again that was deleted', async () => {
    const code = `again-${randomUUID()}`
    const id = await tenant.add(code)
    expect((await tenant.remove(id)).status).toBe(204)
    expect((await tenant.create({ code })).status).toBe(201)
  })

  it('changes what is named and keeps the rest', async () => {
    const parent_id = await tenant.add(`p-${randomUUID()}`)
    const before = (
      await tenant.create({ parent_id, icon: 'star', required_permission_code: 'a.read', sort_order: 4, metadata: [1] })
    ).body.data
    const after = await tenant.update(before.id, { label: 'New' })
    expect(after.status).toBe(200)
    expect(after.body.data).toEqual({ ...before, label: 'New', updated_at: expect.any(String) })
    expect(Date.parse(after.body.data.updated_at)).toBeGreaterThan(Date.parse(before.updated_at))
    expect((await tenant.get(before.id)).body.data).toEqual(after.body.data)

    const fields = { label: 'L', icon: '', path: '/p', sort_order: 0, is_visible: false, metadata: null }
    const all = await tenant.update(before.id, { ...fields, required_permission_code: 'b.read' })
    expect(all.body.data).toMatchObject({ ...fields, required_permission_code: 'b.read', parent_id })
    const nothing = await tenant.update(before.id, {})
    expect(nothing.body.data).toEqual({ ...all.body.data, updated_at: expect.any(String) })
    const nulls = { parent_id: null, required_permission_code: null }
    expect(codeOf(await tenant.update(before.id, nulls))).toEqual([400, 'validation'])
  })

  it('takes parent and permission away when asked to, whatever else is said of them', async () => {
    const parent_id = await tenant.add(`p-${randomUUID()}`)
    const { id } = (await tenant.create({ parent_id, required_permission_code: 'a.read' })).body.data
    const kept = await tenant.update(id, { unset_parent: false, unset_required_permission: false })
    expect(kept.body.data).toMatchObject({ parent_id, required_permission_code: 'a.read' })
    const unset = await tenant.update(id, {
      parent_id,
      unset_parent: true,
      required_permission_code: 'b.read',
      unset_required_permission: true,
    })
    expect(unset.body.data).toMatchObject({ parent_id: null, required_permission_code: null })
  })

  it('never changes a code', async () => {
    const { id, code } = (await tenant.create()).body.data
    expect((await tenant.update(id, { code: 'other' })).body.data.code).toBe(code)
  })

  it('moves an entry with all below it, but not below itself', async () => {
    const calls = await emptyTenant()
    await clearGlobal()
    const a = await calls.add('aa')
    const b = await calls.add('bb', { parent_id: a })
    const c = await calls.add('cc', { parent_id: b })
    const d = await calls.add('dd')
    expect(codeOf(await calls.update(a, { parent_id: a }))).toEqual([400, 'menu.cycle'])
    expect(codeOf(await calls.update(a, { parent_id: c }))).toEqual([400, 'menu.cycle'])
    expect((await calls.update(b, { parent_id: d })).body.data.parent_id).toBe(d)
    expect(outline((await calls.tree()).body.data)).toBe('aa dd(bb(cc))')
    expect((await calls.update(a, { parent_id: c })).status).toBe(200)
    expect(outline((await calls.tree()).body.data)).toBe('dd(bb(cc(aa)))')
  })

  it('keeps parent and child in one tenant', async () => {
    const above = await global.add(`g-${randomUUID()}`)
    const foreign = await other.add(`o-${randomUUID()}`)
    const { id } = (await tenant.create()).body.data
    expect(codeOf(await tenant.create({ parent_id: above }))).toEqual([400, 'menu.parent_tenant_mismatch'])
    expect(codeOf(await tenant.update(id, { parent_id: above }))).toEqual([400, 'menu.parent_tenant_mismatch'])
    for (const parent_id of [foreign, absent]) {
      expect(codeOf(await tenant.create({ parent_id }))).toEqual([404, 'menu.not_found'])
      expect(codeOf(await tenant.update(id, { parent_id }))).toEqual([404, 'menu.not_found'])
    }
    expect(codeOf(await global.create({ parent_id: id }))).toEqual([404, 'menu.not_found'])
  })

  it('shows global entries to a tenant, but lets it change none', async () => {
    const id = await global.add(`g-${randomUUID()}`)
    expect((await tenant.get(id)).body.data.tenant_id).toBeNull()
    expect(codeOf(await tenant.update(id, { label: 'Mine' }))).toEqual([404, 'menu.not_found'])
    expect(codeOf(await tenant.update(id, { unset_parent: true }))).toEqual([404, 'menu.not_found'])
    expect(codeOf(await tenant.remove(id))).toEqual([404, 'menu.not_found'])
    expect(codeOf(await tenant.remove(id, '?cascade=true'))).toEqual([404, 'menu.not_found'])
    expect((await global.get(id)).body.data.label).not.toBe('Mine')
  })

  it('answers for entries of another tenant as for unknown ones', async () => {
    const foreign = await other.add(`o-${randomUUID()}`)
    const inTenant = (await tenant.create()).body.data.id
    const asked = (calls: MenuCalls, id: string) =>
      Promise.all([
        calls.get(id),
        calls.update(id, { label: 'X' }),
        calls.remove(id),
        calls.remove(id, '?cascade=true'),
      ])
    for (const replies of [await asked(tenant, foreign), await asked(tenant, absent), await asked(global, inTenant)]) {
      for (const reply of replies) expect(codeOf(reply)).toEqual([404, 'menu.not_found'])
    }
    expect((await other.get(foreign)).status).toBe(200)
  })

  it.each(['/nonsense', '/018f6b0e-0000-7000-8000-00000000000'])('refuses the id %s', async (path) => {
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const reply = await tenant.call(method, path, method === 'PATCH' ? { body: {} } : {})
      expect([...codeOf(reply), reply.body.error.meta.fields]).toEqual([
        400,
        'validation',
        { id: 'must be a valid uuid' },
      ])
    }
  })

  it('deletes an entry without children; one with children only when asked to take them along', async () => {
    const calls = await emptyTenant()
    await clearGlobal()
    const a = await calls.add('aa')
    const b = await calls.add('bb', { parent_id: a })
    await calls.add('cc', { parent_id: b })
    await calls.add('dd', { parent_id: a })
    await calls.add('ee')
    const refused = await calls.remove(a)
    expect([...codeOf(refused), refused.body.error.meta]).toEqual([409, 'menu.has_children', { children: 3 }])
    expect(codeOf(await calls.remove(a, '?cascade=false'))).toEqual([409, 'menu.has_children'])
    expect(codeOf(await calls.remove(a, '?cascade=maybe'))).toEqual([400, 'validation'])
    expect(outline((await calls.tree()).body.data)).toBe('aa(bb(cc) dd) ee')
    const gone = await calls.remove(a, '?cascade=true')
    expect([gone.status, gone.text]).toEqual([204, ''])
    expect(outline((await calls.tree()).body.data)).toBe('ee')
    expect(codeOf(await calls.remove(a))).toEqual([404, 'menu.not_found'])
  })

  it('lists global entries and those of the tenant by code, in pages', async () => {
    await clearGlobal()
    const calls = await emptyTenant()
    for (const code of ['b1', 'd1', 'a1']) await calls.add(code)
    for (const code of ['c1', 'b1']) await global.add(code)
    await other.add(`a0-${randomUUID()}`)
    const whole = (await calls.list('?total=true')).body.data
    expect(whole.items.map(({ code }: { code: string }) => code)).toEqual(['a1', 'b1', 'b1', 'c1', 'd1'])
    expect([whole.total, whole.next_cursor]).toEqual([5, null])
    const seen: unknown[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const { data }: Reply['body'] = (await calls.list(`?limit=2${cursor && `&cursor=${cursor}`}`)).body
      expect(data.items.length).toBeLessThanOrEqual(2)
      expect(data).not.toHaveProperty('total')
      seen.push(...data.items)
      cursor = data.next_cursor
    }
    expect(seen).toEqual(whole.items)
    expect((await global.list()).body.data.items.map(({ code }: { code: string }) => code)).toEqual(['b1', 'c1'])
  })

  it('takes no cursor that it did not issue here', async () => {
    const calls = await emptyTenant()
    await calls.add('aa')
    await calls.add('bb')
    const { next_cursor: cursor } = (await calls.list('?limit=1')).body.data
    expect((await calls.list(`?cursor=${cursor}`)).body.data.items.at(0).code).not.toBe('aa')
    const edited = (cursor.startsWith('A') ? 'B' : 'A') + cursor.slice(1)
    for (const reply of [await other.list(`?cursor=${cursor}`), await calls.list(`?cursor=${edited}`)])
      expect(codeOf(reply)).toEqual([400, 'cursor.invalid'])
  })

  it.each(['0', '-1', '201', '1e9', 'many', ''])('refuses a limit of %o', async (limit) => {
    expect(codeOf(await tenant.list(`?limit=${limit}`))).toEqual([400, 'validation'])
  })

  it('takes the tenant in query and body only where it repeats the header', async () => {
    expect((await tenant.list(`?tenant_id=${tenantId}`)).status).toBe(200)
    expect((await tenant.tree(`?tenant_id=${tenantId.toUpperCase()}`)).status).toBe(200)
    for (const reply of [
      await tenant.list(`?tenant_id=${absent}`),
      await tenant.tree(`?tenant_id=${absent}`),
      await global.tree(`?tenant_id=${tenantId}`),
      await tenant.create({ tenant_id: absent }),
    ])
      expect(codeOf(reply)).toEqual([400, 'tenant.invalid'])
  })

  it('shows everything as a tree, hidden or not, sorted, the entry of the tenant in the place of a global one', async () => {
    await clearGlobal()
    const calls = await emptyTenant()
    const settings = await global.add('settings', { sort_order: 2 })
    const billing = await global.add('billing', { parent_id: settings, required_permission_code: 'nobody.holds' })
    await global.add('invoices', { parent_id: billing, is_visible: false })
    await global.add('home', { label: 'B' })
    await calls.add('start', { label: 'A' })
    expect(outline((await global.tree()).body.data)).toBe('home settings(billing(invoices))')
    expect(outline((await calls.tree()).body.data)).toBe('start home settings(billing(invoices))')
    const own = await calls.add('billing', { label: 'Our billing' })
    const tree = (await calls.tree()).body.data
    expect(outline(tree)).toBe('start home settings(billing(invoices))')
    expect(tree[2].children[0]).toMatchObject({ id: own, tenant_id: expect.any(String), parent_id: settings })
    expect(tree[2].children[0].children[0]).toMatchObject({ parent_id: own, children: [] })
    expect((await calls.get(own)).body.data.parent_id).toBeNull()
    expect(outline((await global.tree()).body.data)).toBe('home settings(billing(invoices))')
  })

  it('needs menu.manage in the tenant at hand for everything but one’s own menu', async () => {
    const clerk = await register(app)
    const here = await openTenant(app, clerk)
    await grantCodes(app, clerk, ['menu.manage'], here)
    const inside = menuCalls(app, clerk.accessToken, here)
    const outside = menuCalls(app, clerk.accessToken)
    expect((await inside.create()).status).toBe(201)
    for (const reply of [
      await outside.create(),
      await outside.list(),
      await outside.tree(),
      await outside.get(absent),
      await outside.update(absent, {}),
      await outside.remove(absent),
    ])
      expect(codeOf(reply)).toEqual([403, 'rbac.permission_required'])
    expect((await outside.mine()).status).toBe(200)
    const stranger = menuCalls(app, clerk.accessToken, tenantId)
    for (const reply of [await stranger.tree(), await stranger.mine()])
      expect(codeOf(reply)).toEqual([403, 'tenant.forbidden'])
  })

  it('creates once under one Idempotency-Key', async () => {
    const body = { code: `once-${randomUUID()}`, label: 'Once' }
    const send = () => tenant.call('POST', '', { body, headers: { 'idempotency-key': body.code } })
    const first = await send()
    const again = await send()
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([201, 'true'])
    expect(again.body.data).toEqual(first.body.data)
  })
})
