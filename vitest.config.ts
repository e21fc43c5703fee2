import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** Packs have tests beside them, which run where the pack is listed. */
const listed = readFileSync('contract/modules.ts', 'utf8').matchAll(/'\.\.\/(examples\/\w+)\//g)
const testsOfPacks = [...listed].map(([, folder]) => `${folder}/tests/**/*.test.ts`)

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts', ...testsOfPacks],
    globalSetup: ['tests/support/globalSetup.ts'],
    // Set it to 1 to run everything with PgBouncer between the servers under test and their databases.
    env: process.env.TEST_PGBOUNCER ? { TEST_PGBOUNCER: process.env.TEST_PGBOUNCER } : {},
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
