import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/globalSetup.ts'],
    // Set it to 1 to run everything with PgBouncer between the servers under test and their databases.
    env: process.env.TEST_PGBOUNCER ? { TEST_PGBOUNCER: process.env.TEST_PGBOUNCER } : {},
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
