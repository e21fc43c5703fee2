import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { FlagRules } from '../contract/flagRules.ts'
import type { Flag, FlagTable } from '../contract/flagTable.ts'
import { flags } from '../contract/vocabulary.ts'
import { flagVariable, readFlagVariables } from '../server/platform/configuration/flagVariables.ts'
import { decideBy, type FlagRule, type Subject } from '../server/platform/flags/decide.ts'
import { shareOf } from '../server/platform/flags/share.ts'
import { labFlags } from './support/flagScene.ts'

/** The same ids in every run. */
const userId = (index: number) => {
  const digits = createHash('sha256').update(`user ${index}`).digest('hex')
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-7${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20, 32)}`
}
const users = Array.from({ length: 100_000 }, (_, index) => userId(index))
const subject = (parts: Partial<Subject> = {}): Subject => ({
  userId: undefined,
  tenantId: undefined,
  roles: [],
  ...parts,
})
const anybody = subject()
const toggle: Flag = { kind: 'boolean', description: 'Something.', default: false }
const theme = labFlags['labs.theme']
const decide = (rules: readonly FlagRule[], value: boolean | null = null) =>
  decideBy('beta', toggle, { name: 'beta', value, rules })

describe('the share of a user', () => {
  it('stays the same from release to release', () => {
    const vectors: [string, string, number][] = [
      ['beta', '018f6b0e-0000-7000-8000-000000000000', 0x7ad142b6],
      ['beta', '018f6b0e-0000-7000-8000-000000000001', 0x7d31d47d],
      ['checkout.newBasket', '018f6b0e-0000-7000-8000-000000000000', 0x22c0ee52],
      ['checkout.newBasket', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 0x83e378db],
    ]
    for (const [flag, id, number] of vectors) expect(shareOf(flag, id)).toBe((number / 2 ** 32) * 100)
  })

  it.each([0, 0.1, 20, 50, 99.9, 100])('lets %d %% of 100,000 users in, within half a percent', (percentage) => {
    const isOn = decide([{ percentage, value: true }])
    const on = users.filter((id) => isOn(subject({ userId: id }))).length / 1_000
    console.log(`${percentage} %: ${on} %`)
    expect(Math.abs(on - percentage)).toBeLessThan(percentage % 100 === 0 ? 1e-9 : 0.5)
  })

  it('takes nobody out when it grows, and chooses others for another flag', () => {
    const at = (percentage: number) => users.slice(0, 5_000).filter((id) => shareOf('beta', id) < percentage)
    expect(at(40)).toEqual(expect.arrayContaining(at(20)))
    const both = users.filter((id) => shareOf('beta', id) < 20 && shareOf('gamma', id) < 20)
    expect(Math.abs(both.length / 1_000 - 4)).toBeLessThan(0.5)
  })
})

describe('rules', () => {
  const [ada, bob] = [userId(1), userId(2)]
  const [acme, other] = [userId(3), userId(4)]

  it('are tried in order, and the first that fits decides', () => {
    const isOn = decide([
      { users: [ada], value: false },
      { tenants: [acme], value: true },
      { roles: ['tester'], value: true },
    ])
    expect(isOn(subject({ userId: ada, tenantId: acme, roles: ['tester'] }))).toBe(false)
    expect(isOn(subject({ userId: bob, tenantId: acme }))).toBe(true)
    expect(isOn(subject({ userId: bob, tenantId: other }))).toBe(false)
    expect(isOn(subject({ userId: bob, roles: ['reader', 'tester'] }))).toBe(true)
  })

  it('ask for all that they name', () => {
    const isOn = decide([{ users: [ada, bob], tenants: [acme], roles: ['tester'], percentage: 100, value: true }])
    const all = { userId: ada, tenantId: acme, roles: ['tester'] }
    expect(isOn(subject(all))).toBe(true)
    for (const less of [{ userId: userId(9) }, { tenantId: other }, { tenantId: undefined }, { roles: [] }])
      expect(isOn(subject({ ...all, ...less }))).toBe(false)
  })

  it('give way to the value, and that to the default', () => {
    expect(decide([{ users: [ada], value: false }], true)(subject({ userId: bob }))).toBe(true)
    expect(decide([], true)(anybody)).toBe(true)
    expect(decideBy('beta', { ...toggle, default: true }, undefined)(anybody)).toBe(true)
    expect(decideBy('labs.theme', theme, { name: 'labs.theme', value: 'loud', rules: [] })(anybody)).toBe('loud')
  })

  it('fit nobody who is anonymous', () => {
    const rules = [{ users: [ada] }, { tenants: [acme] }, { roles: ['tester'] }, { percentage: 100 }]
    expect(decide(rules.map((rule) => ({ ...rule, value: true })))(anybody)).toBe(false)
  })

  it('that say what the flag cannot say are passed over, as such a value is', () => {
    const row = { name: 'labs.theme', value: 'gone', rules: [{ users: [ada], value: true }] }
    expect(decideBy('labs.theme', theme, row)(subject({ userId: ada }))).toBe('plain')
  })

  it('are bounded: 50 of them, 200 ids each, and each names a condition', () => {
    const rule = { percentage: 1, value: true }
    const valid = (rules: unknown) => FlagRules.safeParse(rules).success
    expect(valid(Array(50).fill(rule))).toBe(true)
    expect(valid(Array(51).fill(rule))).toBe(false)
    expect(valid([{ users: users.slice(0, 200), value: true }])).toBe(true)
    expect(valid([{ users: users.slice(0, 201), value: true }])).toBe(false)
    for (const bad of [{}, { users: [] }, { percentage: 101 }, { percentage: -1 }, { tenants: ['x'] }])
      expect(valid([{ ...bad, value: true }])).toBe(false)
  })
})

describe('the variables', () => {
  it.each([
    ['beta', 'FLAG_BETA'],
    ['checkout.newBasket', 'FLAG_CHECKOUT_NEW_BASKET'],
    ['new-search', 'FLAG_NEW_SEARCH'],
    ['useHTTPCache2', 'FLAG_USE_HTTP_CACHE2'],
  ])('of %s is %s', (name, variable) => {
    expect(flagVariable(name)).toBe(variable)
  })

  const read = (environment: Record<string, string>, table: FlagTable = labFlags) =>
    readFlagVariables(environment, table)

  it('say true, false, 1, 0 or a variant; an empty one says nothing', () => {
    const said = {
      FLAG_REGISTRATION: '0',
      FLAG_LABS_SEARCH: 'true',
      FLAG_LABS_THEME: 'dark',
      FLAGS_FILE: 'x',
      PATH: 'y',
    }
    expect(read(said)).toEqual({
      values: { registration: false, 'labs.search': true, 'labs.theme': 'dark' },
      problems: [],
    })
    expect(read({ FLAG_LABS_THEME: '', FLAG_NOBODY: '' })).toEqual({ values: {}, problems: [] })
  })

  it('are a problem when they are unknown or say something else', () => {
    expect(read({ FLAG_LABS_SERCH: 'true', FLAG_LABS_SEARCH: 'yes', FLAG_LABS_THEME: 'pink' }).problems).toEqual([
      {
        name: 'FLAG_LABS_SERCH',
        expected: 'one of FLAG_REGISTRATION, FLAG_LABS_SEARCH, FLAG_LABS_THEME',
        found: 'a flag that the contract does not have',
        fix: 'correct its name, or unset it',
      },
      {
        name: 'FLAG_LABS_SEARCH',
        expected: 'true, false, 1 or 0',
        found: '"yes"',
        fix: 'set it, as in FLAG_LABS_SEARCH=false; or unset it',
      },
      {
        name: 'FLAG_LABS_THEME',
        expected: 'one of [plain dark loud]',
        found: '"pink"',
        fix: 'set it, as in FLAG_LABS_THEME=plain; or unset it',
      },
    ])
    expect(read({ FLAG_X: '1' }, {}).problems[0]?.expected).toContain('there are no flags')
  })
})

it('the flags of the contract have names and values that every source can say', () => {
  const table: FlagTable = flags
  const names = Object.keys(table)
  expect(new Set(names.map(flagVariable)).size).toBe(names.length)
  for (const [name, flag] of Object.entries(table)) {
    expect(name).toMatch(/^[a-z][A-Za-z\d]*(?:[.-][A-Za-z\d]+)*$/)
    expect(flag.description).toMatch(/^[A-Z].*\.$/)
    if (flag.kind === 'boolean') continue
    expect(flag.variants).toContain(flag.default)
    for (const variant of flag.variants) expect(variant).toMatch(/^[A-Za-z\d][\w.-]{0,63}$/)
  }
})
