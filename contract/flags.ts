import type { BooleanFlagName, FlagTable } from './flagTable.ts'

/**
 * Every flag, with what it means and what it says while nothing else decides. An environment variable, a file and rules
 * in the database can say otherwise; docs/flags.md has their order.
 */
export const flags = {
  registration: {
    kind: 'boolean',
    description: 'Strangers may open an account of their own.',
    default: true,
  },
} as const satisfies FlagTable

/** What an entry may name as its `flag`. */
export type EntryFlag = BooleanFlagName<typeof flags>
