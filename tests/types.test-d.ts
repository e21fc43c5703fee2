/**
 * What must not compile. Each `@ts-expect-error` is one mistake that the contract language refuses; `tsc` fails when
 * one of them is accepted after all.
 */
import { z } from 'zod'
import { extend, mutation, query } from '../contract/core.ts'
import { define } from '../contract/define.ts'
import type { FlagTable } from '../contract/flagTable.ts'
import { contract } from '../contract/index.ts'
import type { CallFlags } from '../server/platform/flags/callFlags.ts'
import type { Handlers } from '../server/rpc/handlers.ts'
import { defineModule } from '../server/rpc/module.ts'
import { listModules } from '../server/rpc/modules.ts'

const Menu = z.object({ id: z.string(), label: z.string() })
const vocabulary = {
  permissions: { 'menu.manage': 'Change menus.' },
  errors: { 'menu.not_found': [404, 'There is no such menu entry.'] },
} as const
const own = define(vocabulary)

const menus = {
  get: own.query({
    summary: 'One entry.',
    http: ['GET', '/api/v1/menus/{id}'],
    access: 'public',
    rate: 'read',
    tenancy: 'none',
    input: z.object({ id: z.string() }),
    output: Menu,
    errors: ['menu.not_found'],
  }),
  rename: own.mutation({
    summary: 'Rename.',
    http: ['PATCH', '/api/v1/menus/{id}'],
    access: 'menu.manage',
    rate: 'write',
    tenancy: 'none',
    idempotency: 'key',
    input: z.object({ id: z.string(), label: z.string() }),
    output: Menu,
    errors: ['menu.not_found'],
  }),
}
type Menus = Handlers<typeof menus>
const row = { id: '1', label: 'Home', secret: 'dropped by the output schema' }

/** The right way compiles: a row with more columns than the output, a declared failure, a null check. */
export const right: Menus = {
  async get({ actor, input, fail }) {
    if (input.id === '' || actor?.userId === 'nobody') throw fail('menu.not_found')
    return row
  },
  async rename({ actor, fail }) {
    return actor.userId === '' ? fail('menu.not_found') : row
  },
}

// @ts-expect-error a missing handler
export const missing: Menus = { get: right.get }

// @ts-expect-error an extra handler
export const extra: Menus = { ...right, remove: async () => row }

// @ts-expect-error a wrong output
export const wrongOutput: Menus['get'] = async () => ({ id: 1, label: 'Home' })

export const undeclared: Menus['get'] = async ({ fail }) => {
  // @ts-expect-error an error that the entry does not declare
  throw fail('user.email_taken')
}

export const unguarded: Menus['get'] = async ({ actor }) => {
  // @ts-expect-error nobody may be signed in on a public entry
  return { id: actor.userId, label: '' }
}

export const writingQuery: Menus['get'] = async (call) => {
  // @ts-expect-error a query has no transaction
  await call.transaction(async () => row)
  return row
}

// @ts-expect-error an entry without access
query({ summary: '', http: ['GET', '/x'], rate: 'read', tenancy: 'none', output: Menu })

// @ts-expect-error no word on whose rows it touches
query({ summary: '', http: ['GET', '/x'], access: 'user', rate: 'read', output: Menu })

// @ts-expect-error a permission that does not exist
query({ summary: '', http: ['GET', '/x'], access: 'menu.mange', rate: 'read', tenancy: 'none', output: Menu })

// @ts-expect-error a permission of another module
own.query({ summary: '', http: ['GET', '/x'], access: 'invoices.manage', rate: 'read', tenancy: 'none', output: Menu })

query({
  summary: '',
  http: ['GET', '/x'],
  access: 'public',
  rate: 'read',
  tenancy: 'none',
  output: Menu,
  // @ts-expect-error an error code that does not exist
  errors: ['menu.gone'],
})

// @ts-expect-error a mutation that does not say whether it may be repeated
mutation({ summary: '', http: ['POST', '/x'], access: 'public', rate: 'write', tenancy: 'none', output: Menu })

mutation({
  summary: '',
  http: ['POST', '/x'],
  access: 'public',
  rate: 'write',
  tenancy: 'none',
  idempotency: 'key',
  output: Menu,
  // @ts-expect-error a cache rule on a mutation
  cache: { maxAgeSeconds: 30 },
})

mutation({
  summary: '',
  http: ['POST', '/x'],
  access: 'user',
  rate: 'write',
  tenancy: 'none',
  idempotency: 'key',
  output: Menu,
  // @ts-expect-error a mutation on the read replica
  replica: true,
})

// @ts-expect-error a rate class that does not exist
query({ summary: '', http: ['GET', '/x'], access: 'public', rate: 'often', tenancy: 'none', output: Menu })

// @ts-expect-error an entry that does not say which tenant it touches
query({ summary: '', http: ['GET', '/x'], access: 'public', rate: 'read', output: Menu })

// @ts-expect-error an entry without output
query({ summary: '', http: ['GET', '/x'], access: 'public', rate: 'read', tenancy: 'none' })

const flagged = {
  'menu.search': { kind: 'boolean', description: 'Menus can be searched.', default: false },
  'menu.look': { kind: 'variant', description: 'How menus look.', variants: ['plain', 'dark'], default: 'plain' },
} as const satisfies FlagTable
const withFlags = extend({ flags: flagged })
const behind = {
  summary: '',
  http: ['GET', '/x'],
  access: 'user',
  rate: 'read',
  tenancy: 'none',
  output: Menu,
} as const

/** The right way compiles: a built-in flag, a flag of the module. */
export const behindFlags = [
  query({ ...behind, flag: 'registration' }),
  withFlags.query({ ...behind, flag: 'menu.search' }),
]

// @ts-expect-error a flag that does not exist
query({ ...behind, flag: 'registratoin' })

// @ts-expect-error a flag of another module
query({ ...behind, flag: 'menu.search' })

// @ts-expect-error a flag with variants is neither on nor off
withFlags.query({ ...behind, flag: 'menu.look' })

export const asking = ({ isOn, variant }: CallFlags<typeof flagged>) => {
  const look: 'plain' | 'dark' = variant('menu.look')
  const search: boolean = isOn('menu.search')
  // @ts-expect-error a flag that does not exist
  isOn('menu.serch')
  // @ts-expect-error a flag with variants is neither on nor off
  isOn('menu.look')
  // @ts-expect-error a flag that is on or off has no variants
  variant('menu.search')
  return { look, search }
}

const auth = defineModule({ name: 'auth', contract: {}, handlers: {} })
// @ts-expect-error a feature of the contract that no module answers
listModules(contract)(auth)

// @ts-expect-error handlers that do not fit the contract of their module
defineModule({ name: 'menus', contract: menus, handlers: { get: right.get } })
