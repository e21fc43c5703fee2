import { inject } from 'vitest'

/** What tests start as processes of their own, bundled once a run: from its sources each would take a second longer. */
export const programs = {
  main: 'server/main.ts',
  migrate: 'server/migrate.ts',
  consumingServer: 'tests/support/consumingServer.ts',
  embeddedHolder: 'tests/support/embeddedHolder.ts',
  stuckServer: 'tests/support/stuckServer.ts',
} as const

export type ProgramName = keyof typeof programs

/** Where its bundle stands. */
export const programAt = (name: ProgramName): string => inject('programs')[name]
