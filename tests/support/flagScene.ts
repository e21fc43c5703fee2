import { z } from 'zod'
import { extend } from '../../contract/core.ts'
import { flagEntries } from '../../contract/flagRules.ts'
import type { FlagTable } from '../../contract/flagTable.ts'
import { flags } from '../../contract/vocabulary.ts'
import { flags as flagHandlers } from '../../server/features/flags/procedures.ts'
import type { CallFlags } from '../../server/platform/flags/callFlags.ts'
import { type AnyModule, defineModule } from '../../server/rpc/module.ts'
import { type AppSettings, startApp, type TestApp } from './app.ts'

/** The flags of a module that only tests have, beside those of the contract. */
export const labFlags = {
  ...flags,
  'labs.search': { kind: 'boolean', description: 'The search of the labs is there.', default: false },
  'labs.theme': {
    kind: 'variant',
    description: 'How the labs look.',
    variants: ['plain', 'dark', 'loud'],
    default: 'plain',
  },
} as const satisfies FlagTable

const { query, mutation } = extend({ flags: labFlags })

const rest = { rate: 'read', tenancy: 'none', output: z.object({ search: z.boolean(), theme: z.string() }) } as const

export const labs = {
  search: query({
    ...rest,
    summary: 'For those for whom the flag is on.',
    http: ['GET', '/api/v1/labs/search'],
    access: 'user',
    flag: 'labs.search',
  }),
  write: mutation({
    ...rest,
    summary: 'For those for whom the flag is on and who hold a permission.',
    http: ['POST', '/api/v1/labs/search'],
    access: 'flags.manage',
    idempotency: 'none',
    flag: 'labs.search',
  }),
  lobby: query({
    ...rest,
    summary: 'For anybody while the flag is on.',
    http: ['GET', '/api/v1/labs/lobby'],
    access: 'public',
    flag: 'labs.search',
  }),
  open: query({ ...rest, summary: 'For all.', http: ['GET', '/api/v1/labs'], access: 'user' }),
  street: query({ ...rest, summary: 'For anybody.', http: ['GET', '/api/v1/labs/street'], access: 'public' }),
}

const seen = async ({ flags }: { flags: unknown }) => {
  const { isOn, variant } = flags as CallFlags<typeof labFlags>
  return { search: isOn('labs.search'), theme: variant('labs.theme') }
}

/** A module with entries behind flags, and the flags' own entries for its table. */
const labModules: readonly AnyModule[] = [
  defineModule({
    name: 'labs',
    contract: labs,
    handlers: { search: seen, write: seen, lobby: seen, open: seen, street: seen },
  }),
  { name: 'flags', contract: flagEntries(labFlags), handlers: flagHandlers },
]

export const startLabs = (settings: AppSettings = {}): Promise<TestApp> =>
  startApp({ modules: labModules, flags: labFlags, ...settings })
