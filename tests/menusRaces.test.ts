import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { grantCodes, type MenuCalls, menuCalls, openTenant, outline } from './support/menuScene.ts'
import type { Reply } from './support/request.ts'

const rounds = 15
const codes = (...replies: Reply[]) => replies.map(({ status, body }) => body?.error?.code ?? status).sort()

describe.each(adapters)('menus changed by several calls at once on %s', (adapter) => {
  let app: TestApp
  let manager: Account
  let calls: MenuCalls

  beforeAll(async () => {
    app = await startApp({ adapter })
    manager = await register(app)
    await grantCodes(app, manager, ['menu.manage'])
  })
  beforeEach(async () => {
    calls = menuCalls(app, manager.accessToken, await openTenant(app, manager))
  })
  afterAll(() => app.close())

  const treeOf = async () => outline((await calls.tree()).body.data)
  const clear = () => app.sql('delete from menus')

  it('two moves that would make a cycle together: one is refused', async () => {
    for (let round = 0; round < rounds; round += 1) {
      await clear()
      const a = await calls.add('aa')
      const b = await calls.add('bb')
      const replies = await Promise.all([calls.update(a, { parent_id: b }), calls.update(b, { parent_id: a })])
      expect(codes(...replies)).toEqual([200, 'menu.cycle'])
      expect(['aa(bb)', 'bb(aa)']).toContain(await treeOf())
    }
  })

  it('three moves that would make a cycle together: one is refused', async () => {
    for (let round = 0; round < rounds; round += 1) {
      await clear()
      const [a, b, c] = [await calls.add('aa'), await calls.add('bb'), await calls.add('cc')]
      const moves: [string, string][] = [
        [a, b],
        [b, c],
        [c, a],
      ]
      const replies = await Promise.all(moves.map(([id, parent_id]) => calls.update(id, { parent_id })))
      expect(codes(...replies)).toEqual([200, 200, 'menu.cycle'])
      expect((await treeOf()).match(/\w+/g)).toHaveLength(3)
    }
  })

  it('a delete against a new child: the child is kept or refused, never lost', async () => {
    for (let round = 0; round < rounds; round += 1) {
      await clear()
      const a = await calls.add('aa')
      const [created, deleted] = await Promise.all([calls.create({ code: 'bb', parent_id: a }), calls.remove(a)])
      const isKept = created.status === 201
      expect(codes(created, deleted)).toEqual(isKept ? [201, 'menu.has_children'] : [204, 'menu.not_found'])
      expect(await treeOf()).toBe(isKept ? 'aa(bb)' : '')
    }
  })

  it('a delete against an entry moved below: it is kept or refused, never lost', async () => {
    for (let round = 0; round < rounds; round += 1) {
      await clear()
      const a = await calls.add('aa')
      const b = await calls.add('bb')
      const [moved, deleted] = await Promise.all([calls.update(b, { parent_id: a }), calls.remove(a)])
      const isMoved = moved.status === 200
      expect(codes(moved, deleted)).toEqual(isMoved ? [200, 'menu.has_children'] : [204, 'menu.not_found'])
      expect(await treeOf()).toBe(isMoved ? 'aa(bb)' : 'bb')
    }
  })

  it('a delete with all below against an entry moved away: what was moved first is kept', async () => {
    for (let round = 0; round < rounds; round += 1) {
      await clear()
      const a = await calls.add('aa')
      const b = await calls.add('bb', { parent_id: a })
      const [moved, deleted] = await Promise.all([
        calls.update(b, { unset_parent: true }),
        calls.remove(a, '?cascade=true'),
      ])
      expect(deleted.status).toBe(204)
      expect([200, 'menu.not_found']).toContain(codes(moved)[0])
      expect(await treeOf()).toBe(moved.status === 200 ? 'bb' : '')
    }
  })

  it('a delete against a change, and against another delete: one answer each, and no entry comes back', async () => {
    for (let round = 0; round < rounds; round += 1) {
      await clear()
      const a = await calls.add('aa')
      const replies = await Promise.all([calls.remove(a), calls.update(a, { label: 'New' }), calls.remove(a)])
      expect(codes(...replies).filter((code) => code === 204)).toEqual([204])
      expect(codes(...replies).every((code) => [200, 204, 'menu.not_found'].includes(code))).toBe(true)
      expect(await treeOf()).toBe('')
    }
  })

  it('one code created by five calls at once: one entry', async () => {
    const replies = await Promise.all(Array.from({ length: 5 }, () => calls.create({ code: 'once' })))
    expect(codes(...replies)).toEqual([201, ...Array(4).fill('menu.code_taken')])
  })

  it('changes of different fields at once: both are kept', async () => {
    const id = await calls.add('aa')
    await Promise.all([
      calls.update(id, { label: 'New' }),
      calls.update(id, { icon: 'star' }),
      calls.update(id, { sort_order: 3 }),
    ])
    expect((await calls.get(id)).body.data).toMatchObject({ label: 'New', icon: 'star', sort_order: 3 })
  })

  it('a list read page by page while entries come and go: none of the others twice or missing', async () => {
    for (let n = 10; n < 30; n += 1) await calls.add(`m${n}`)
    const seen: string[] = []
    let cursor: string | null = null
    let n = 10
    do {
      const { data }: Reply['body'] = (await calls.list(`?limit=4${cursor ? `&cursor=${cursor}` : ''}`)).body
      seen.push(...data.items.map(({ code }: { code: string }) => code).filter((code: string) => !code.includes('-')))
      cursor = data.next_cursor
      await calls.add(`m${n}-before`)
      n += 3
    } while (cursor)
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => `m${index + 10}`))
  })
})
