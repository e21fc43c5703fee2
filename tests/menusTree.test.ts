import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isShown, type MenuEntry, nest, overlay } from '../server/features/menus/tree.ts'
import { outline } from './support/menuScene.ts'

const entry = (id: string, fields: Partial<MenuEntry> = {}): MenuEntry => ({
  id,
  tenant_id: null,
  parent_id: null,
  code: id,
  label: id,
  sort_order: 0,
  required_permission_code: null,
  is_visible: true,
  ...fields,
})

/** An entry of the tenant that replaces the global one with this code. */
const own = (code: string, fields: Partial<MenuEntry> = {}) =>
  entry(`own-${code}`, { tenant_id: 'tenant', code, label: `own ${code}`, ...fields })

describe('nest', () => {
  it('puts entries below their parents, whatever their order', () => {
    expect(outline(nest([entry('c', { parent_id: 'b' }), entry('b', { parent_id: 'a' }), entry('a')]))).toBe('a(b(c))')
  })

  it('sorts siblings by sort_order, then label, then code', () => {
    const entries = [
      entry('5', { sort_order: 1, label: 'a' }),
      entry('4', { label: 'b', code: 'y' }),
      entry('3', { label: 'b', code: 'x' }),
      entry('2', { label: 'a', code: 'z' }),
      entry('1', { sort_order: -1, label: 'z' }),
    ]
    expect(nest(entries).map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5'])
  })

  it('leaves out what stands below an entry that is not there', () => {
    expect(outline(nest([entry('a'), entry('c', { parent_id: 'b' }), entry('d', { parent_id: 'c' })]))).toBe('a')
  })

  it('comes to an end where entries stand below each other', () => {
    expect(outline(nest([entry('a', { parent_id: 'b' }), entry('b', { parent_id: 'a' }), entry('c')]))).toBe('c')
  })

  it('takes 100,000 levels, and shows the upper 256', () => {
    const chain = Array.from({ length: 100_000 }, (_, level) =>
      entry(String(level), { parent_id: level === 0 ? null : String(level - 1) }),
    )
    let depth = 0
    for (let at = nest(chain)[0]; at; at = at.children[0]) depth += 1
    expect(depth).toBe(256)
    expect(outline(nest(chain.slice(0, 256)))).toContain('(255)')
  })

  it('changes nothing of what it is given', () => {
    const entries = Object.freeze([entry('b', { parent_id: 'a' }), entry('a')].map((each) => Object.freeze(each)))
    expect(nest(entries)[0]?.children).toHaveLength(1)
  })
})

describe('isShown', () => {
  const shown = isShown(new Set(['a.read']))
  it.each([
    ['asks for nothing', {}, true],
    ['asks for what is held', { required_permission_code: 'a.read' }, true],
    ['asks for what is not held', { required_permission_code: 'b.read' }, false],
    ['is hidden', { is_visible: false }, false],
    ['is hidden and asks for what is held', { is_visible: false, required_permission_code: 'a.read' }, false],
  ])('an entry that %s', (_what, fields, expected) => {
    expect(shown(entry('a', fields))).toBe(expected)
  })
})

describe('overlay', () => {
  const laid = (...entries: MenuEntry[]) => nest(overlay(entries))

  it('keeps the entries of both where no code is the same', () => {
    expect(outline(laid(entry('a'), entry('b', { parent_id: 'a' }), own('c')))).toBe('a(b) c')
  })

  it('replaces a global entry by that of the tenant, which takes over what stood below it', () => {
    const tree = laid(entry('a'), entry('b', { parent_id: 'a' }), own('a'), own('c', { parent_id: 'own-a' }))
    expect(outline(tree)).toBe('a(b c)')
    expect(tree[0]?.id).toBe('own-a')
    expect(tree[0]?.children.map(({ parent_id }) => parent_id)).toEqual(['own-a', 'own-a'])
  })

  it('puts the entry of the tenant where the global one stood', () => {
    const tree = laid(entry('a'), entry('b', { parent_id: 'a' }), entry('c', { parent_id: 'b' }), own('b'))
    expect(outline(tree)).toBe('a(b(c))')
    expect(tree[0]?.children[0]).toMatchObject({ id: 'own-b', parent_id: 'a' })
  })

  it('keeps the parent that the tenant gave its entry', () => {
    expect(outline(laid(entry('a'), entry('b', { parent_id: 'a' }), own('x'), own('b', { parent_id: 'own-x' })))).toBe(
      'a x(b)',
    )
  })

  it('replaces parent and child together', () => {
    expect(outline(laid(entry('a'), entry('b', { parent_id: 'a' }), own('a'), own('b')))).toBe('a(b)')
  })

  it('turns the order around where the tenant did, without losing an entry', () => {
    const tree = laid(
      entry('a'),
      entry('b', { parent_id: 'a' }),
      entry('c', { parent_id: 'b' }),
      own('c'),
      own('a', { parent_id: 'own-c' }),
    )
    expect(outline(tree)).toBe('c(a(b))')
  })

  const codes = ['a', 'b', 'c', 'd', 'e']
  const parents = fc.array(fc.nat({ max: 9 }), { minLength: 5, maxLength: 5 })
  /** A tree of these codes: an entry stands below one before it in the order, or at the top. */
  const forest = (
    order: readonly string[],
    below: readonly number[],
    make: (code: string, parent: string | null) => MenuEntry,
  ) => order.map((code, index) => make(code, order.slice(0, index)[below[index] ?? 9] ?? null))
  const layouts = fc
    .tuple(fc.shuffledSubarray(codes, { minLength: 5 }), parents, fc.shuffledSubarray(codes), parents)
    .map(([order, below, ownOrder, ownBelow]) => [
      ...forest(order, below, (code, parent_id) => entry(code, { parent_id })),
      ...forest(ownOrder, ownBelow, (code, parent) => own(code, { parent_id: parent && `own-${parent}` })),
    ])

  it('shows every code once, however a tenant lays its entries over the global ones', () => {
    const everyCode = fc.property(layouts, (entries) => {
      const shown = outline(nest(overlay(entries))).match(/\w+/g) ?? []
      expect(shown.sort()).toEqual(codes)
    })
    fc.assert(everyCode, { numRuns: 2_000 })
  })
})
