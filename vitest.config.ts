import { readFileSync } from 'node:fs'
import { configDefaults, defineConfig } from 'vitest/config'

/** Packs have tests beside them, which run where the pack is listed. */
const listed = readFileSync('contract/modules.ts', 'utf8').matchAll(/'\.\.\/(examples\/\w+)\//g)
const testsOfPacks = [...listed].map(([, folder]) => `${folder}/tests/**/*.test.ts`)

/** They install packages and build pages, for which the others do not wait: they run in the mode of this name. */
const testsOfExamples = 'tests/examples/**'

export default defineConfig(({ mode }) => ({
  test: {
    include: ['tests/**/*.test.ts', ...testsOfPacks],
    exclude: [...configDefaults.exclude, ...(mode === 'examples' ? [] : [testsOfExamples])],
    globalSetup: ['tests/support/globalSetup.ts'],
    // Set it to 1 to run everything with PgBouncer between the servers under test and their databases.
    env: process.env.TEST_PGBOUNCER ? { TEST_PGBOUNCER: process.env.TEST_PGBOUNCER } : {},
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
}))
