import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isShown, type MenuEntry, nest, overlay } from '../server/features/menus/tree.ts'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { grantCodes, type MenuCalls, menuCalls, openTenant, outline } from './support/menuScene.ts'
import { ask } from './support/trpcCall.ts'

interface Level {
  readonly children: readonly Level[]
}

describe.each(adapters)('menus.mine on %s', (adapter) => {
  let app: TestApp
  let manager: Account
  let reader: Account
  let tenantId: string
  /** The manager's calls and those of a reader who holds `a.read` everywhere and `b.read` in the tenant. */
  let global: MenuCalls
  let tenant: MenuCalls
  let mine: (headers?: Record<string, string>) => ReturnType<MenuCalls['mine']>
  let mineInTenant: typeof mine

  beforeAll(async () => {
    app = await startApp({ adapter })
    manager = await register(app)
    reader = await register(app)
    tenantId = await openTenant(app, manager, reader)
    await grantCodes(app, manager, ['menu.manage'])
    await grantCodes(app, reader, ['a.read'])
    await grantCodes(app, reader, ['b.read'], tenantId)
    global = menuCalls(app, manager.accessToken)
    tenant = menuCalls(app, manager.accessToken, tenantId)
    mine = menuCalls(app, reader.accessToken).mine
    mineInTenant = menuCalls(app, reader.accessToken, tenantId).mine
  })
  beforeEach(() => app.sql('delete from menus'))
  afterAll(() => app.close())

  const shown = async (ask = mine) => outline((await ask()).body.data)

  it('is an empty list when there is nothing', async () => {
    const { status, body } = await mine()
    expect([status, body.data]).toEqual([200, []])
  })

  it('needs a caller and asks for no permission', async () => {
    await global.add('aa')
    expect((await app.request('GET', '/api/v1/menus/mine')).body.error.code).toBe('auth.missing_token')
    const nobody = await register(app)
    expect(await shown(menuCalls(app, nobody.accessToken).mine)).toBe('aa')
  })

  it('drops what is hidden or not allowed, with all below it', async () => {
    const hidden = await global.add('hidden', { is_visible: false })
    await global.add('below-hidden', { parent_id: hidden })
    const closed = await global.add('closed', { required_permission_code: 'c.read' })
    const door = await global.add('door', { parent_id: closed })
    await global.add('room', { parent_id: door, required_permission_code: 'a.read' })
    const open = await global.add('open', { required_permission_code: 'a.read' })
    await global.add('inside', { parent_id: open })
    await global.add('inside-closed', { parent_id: open, required_permission_code: 'b.read' })
    expect(await shown()).toBe('open(inside)')
  })

  it('sorts by sort_order, then label', async () => {
    await global.add('x1', { label: 'B' })
    await global.add('x2', { label: 'A' })
    await global.add('x3', { label: 'A', sort_order: -1 })
    const last = await global.add('x4', { sort_order: 1 })
    await global.add('y1', { parent_id: last, label: 'D' })
    await global.add('y2', { parent_id: last, label: 'C' })
    expect(await shown()).toBe('x3 x2 x1 x4(y2 y1)')
  })

  it('counts in a tenant what is granted there or globally, and elsewhere only what is granted globally', async () => {
    await global.add('aa', { required_permission_code: 'a.read' })
    await global.add('bb', { required_permission_code: 'b.read' })
    await tenant.add('cc', { required_permission_code: 'b.read' })
    expect(await shown()).toBe('aa')
    expect(await shown(mineInTenant)).toBe('aa bb cc')
  })

  it('shows no entry of another tenant', async () => {
    const other = menuCalls(app, manager.accessToken, await openTenant(app, manager))
    await other.add('theirs')
    await tenant.add('ours')
    expect(await shown(mineInTenant)).toBe('ours')
    expect(await shown()).toBe('')
  })

  describe('where a tenant has an entry with the code of a global one', () => {
    beforeEach(async () => {
      const top = await global.add('top')
      const mid = await global.add('mid', { parent_id: top })
      await global.add('leaf', { parent_id: mid })
    })

    it('shows that of the tenant in its place', async () => {
      const own = await tenant.add('mid', { label: 'Ours' })
      await tenant.add('more', { parent_id: own, sort_order: 1 })
      const { data } = (await mineInTenant()).body
      expect(outline(data)).toBe('top(mid(leaf more))')
      expect(data[0].children[0]).toMatchObject({ id: own, label: 'Ours', tenant_id: tenantId, parent_id: data[0].id })
      expect(await shown()).toBe('top(mid(leaf))')
    })

    it('shows neither when that of the tenant is hidden or not allowed', async () => {
      const own = await tenant.add('mid', { is_visible: false })
      expect(await shown(mineInTenant)).toBe('top')
      await tenant.update(own, { is_visible: true, required_permission_code: 'c.read' })
      expect(await shown(mineInTenant)).toBe('top')
    })

    it('shows that of the tenant when the global one is hidden or not allowed', async () => {
      await app.sql(`update menus set is_visible = false where code = 'mid'`)
      await tenant.add('mid')
      expect(await shown(mineInTenant)).toBe('top(mid(leaf))')
      await app.sql(`update menus set required_permission_code = 'c.read' where code = 'mid' and tenant_id is null`)
      expect(await shown(mineInTenant)).toBe('top(mid(leaf))')
    })
  })

  it('makes of the entries it reads the tree that all entries would make', async () => {
    const codes = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const entryOf = fc.record({
      below: fc.nat({ max: 8 }),
      is_visible: fc.integer({ min: 0, max: 6 }).map((n) => n > 0),
      required_permission_code: fc.constantFrom(null, null, 'a.read', 'c.read'),
    })
    const bucket = (tenant_id: string | null) =>
      fc
        .tuple(fc.shuffledSubarray(codes, { minLength: 3 }), fc.array(entryOf, { minLength: 7, maxLength: 7 }))
        .map(([order, fields]) => {
          const ids = order.map(() => randomUUID())
          return order.map((code, index): MenuEntry => {
            const { below, ...rest } = fields[index] ?? { below: 8, is_visible: true, required_permission_code: null }
            const parent_id = ids.slice(0, index)[below] ?? null
            return { id: ids[index] ?? '', tenant_id, parent_id, code, label: code, sort_order: 0, ...rest }
          })
        })
    const layouts = fc.sample(fc.tuple(bucket(null), bucket(tenantId)), { numRuns: 60, seed: 20_260_101 })
    for (const entries of layouts.map((buckets) => buckets.flat())) {
      await app.sql('delete from menus')
      await app.sql('insert into menus select * from json_populate_recordset(null::menus, $1)', [
        JSON.stringify(
          entries.map((entry) => ({
            ...entry,
            icon: '',
            path: '',
            metadata: {},
            created_at: new Date(),
            updated_at: new Date(),
          })),
        ),
      ])
      const expected = nest(overlay(entries).filter(isShown(new Set(['a.read', 'b.read']))))
      expect(await shown(mineInTenant)).toBe(outline(expected))
    }
  })

  it('goes by what an API key may do', async () => {
    await global.add('aa', { required_permission_code: 'a.read' })
    await global.add('dd', { required_permission_code: 'd.read' })
    await global.add('ee')
    const owner = await register(app)
    await grantCodes(app, owner, ['a.read', 'd.read'])
    const keyWith = async (scopes: string[]): Promise<string> => {
      const body = { name: 'Key', scopes }
      return (await app.request('POST', '/api/v1/api-keys', { token: owner.accessToken, body })).body.data.plaintext
    }
    const shownTo = async (token: string) => shown(menuCalls(app, token).mine)
    expect(await shownTo(owner.accessToken)).toBe('aa dd ee')
    expect(await shownTo(await keyWith(['d.read']))).toBe('dd ee')
    expect(await shownTo(await keyWith([]))).toBe('ee')
    expect(await shownTo(await keyWith(['*']))).toBe('aa dd ee')
  })

  it('answers 304 across requests until something changes', async () => {
    const id = await tenant.add('aa')
    const first = await mineInTenant()
    expect(first.headers.get('cache-control')).toBe('private, max-age=30, must-revalidate')
    expect(first.headers.get('vary')).toMatch(/^(?=.*\bAuthorization\b)(?=.*\bX-Tenant-ID\b)/)
    const etag = first.headers.get('etag') ?? ''
    const again = await mineInTenant({ 'if-none-match': etag })
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag])
    expect(again.headers.get('cache-control')).toBe(first.headers.get('cache-control'))
    await tenant.update(id, { label: 'Changed' })
    const changed = await mineInTenant({ 'if-none-match': etag })
    expect([changed.status, changed.body.data[0].label]).toEqual([200, 'Changed'])
    expect(changed.headers.get('etag')).not.toBe(etag)
  })

  it('counts a changed grant on the next call, whatever tag the caller has', async () => {
    const account = await register(app)
    const { mine: theirs } = menuCalls(app, account.accessToken)
    await global.add('aa', { required_permission_code: 'late.read' })
    const etag = (await theirs()).headers.get('etag') ?? ''
    await grantCodes(app, account, ['late.read'])
    const after = await theirs({ 'if-none-match': etag })
    expect([after.status, outline(after.body.data)]).toEqual([200, 'aa'])
  })

  /** Entries each below the one before it, made behind the server. */
  const chain = async (levels: number): Promise<string[]> => {
    const ids = Array.from({ length: levels }, () => randomUUID())
    await app.sql(
      `insert into menus (id, parent_id, code, label)
       select id, parent_id, 'level-' || level, 'Level' from unnest($1::uuid[], $2::uuid[]) with ordinality as t (id, parent_id, level)`,
      [ids, [null, ...ids.slice(0, -1)]],
    )
    return ids
  }
  const depthOf = (tree: readonly Level[]): number => {
    let depth = 0
    for (let at = tree[0]; at; at = at.children[0]) depth += 1
    return depth
  }

  it('takes a menu 200 levels deep, over REST and tRPC', async () => {
    const ids = await chain(200)
    expect(depthOf((await mine()).body.data)).toBe(200)
    expect(depthOf((await global.tree()).body.data)).toBe(200)
    expect(depthOf((await ask(app, 'menus.mine', undefined, reader.accessToken)).body.result.data)).toBe(200)
    expect((await global.update(ids[0] ?? '', { parent_id: ids[199] })).body.error.code).toBe('menu.cycle')
    expect((await global.remove(ids[0] ?? '')).body.error.meta).toEqual({ children: 199 })
    expect((await global.remove(ids[0] ?? '', '?cascade=true')).status).toBe(204)
    expect(await shown()).toBe('')
  })

  it('goes 256 levels deep and no deeper, by adding as by moving', async () => {
    const ids = await chain(256)
    expect(depthOf((await mine()).body.data)).toBe(256)
    const a = await global.add('aa')
    await global.add('bb', { parent_id: a })
    const fields = { parent_id: 'must not take the tree beyond 256 levels' }
    const added = await global.create({ parent_id: ids[255] })
    expect([added.status, added.body.error.meta]).toEqual([400, { fields }])
    const moved = await global.update(a, { parent_id: ids[254] })
    expect([moved.status, moved.body.error.meta]).toEqual([400, { fields }])
    expect((await global.update(a, { parent_id: ids[253] })).status).toBe(200)
  })

  it('answers also where entries laid over each other would go deeper', async () => {
    await chain(256)
    const own = await tenant.add('level-256')
    await app.sql('insert into menus (id, tenant_id, parent_id, code, label) values ($1, $2, $3, $4, $4)', [
      randomUUID(),
      tenantId,
      own,
      'deeper',
    ])
    expect(depthOf((await mineInTenant()).body.data)).toBe(256)
    expect(depthOf((await tenant.tree()).body.data)).toBe(256)
  })
})
