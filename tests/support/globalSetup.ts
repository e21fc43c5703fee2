import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { entries } from './entries.ts'
import { startPgBouncer } from './pgbouncer.ts'
import { type ProgramName, programs } from './programs.ts'
import { readRecord } from './record.ts'
import { bundlePrograms } from './serverProcess.ts'
import { startTestServer, type TestServer } from './testServer.ts'

declare module 'vitest' {
  interface ProvidedContext {
    testServer: TestServer
    /** The bundles of programs.ts. */
    programs: Readonly<Record<ProgramName, string>>
    /** Where the test files of this run note what they saw; see record.ts. */
    recordFolder: string
    /** Set when the servers under test reach their databases by way of PgBouncer. */
    pgBouncerPort: number | undefined
  }
}

/**
 * Runs once before all test files; `env.TEST_DATABASE_URL` of vitest's configuration names a server to use instead,
 * `env.TEST_PGBOUNCER` puts a PgBouncer before it for the servers under test.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const bundle = await bundlePrograms(programs)
  const { stop, ...server } = await startTestServer(project.config.env?.TEST_DATABASE_URL).catch((error: unknown) => {
    bundle.remove()
    throw error
  })
  const folder = await mkdtemp(join(tmpdir(), 'tsforge-record-'))
  const bouncer = project.config.env?.TEST_PGBOUNCER ? await startPgBouncer(server) : undefined
  project.provide('testServer', server)
  const places = Object.keys(programs).map((program) => [program, bundle.pathOf(program)])
  project.provide('programs', Object.fromEntries(places) as Record<ProgramName, string>)
  // By `vitest --watch`: a source of them may have changed.
  project.onTestsRerun(bundle.again)
  project.provide('pgBouncerPort', bouncer?.port)
  project.provide('recordFolder', folder)
  return async () => {
    try {
      await bouncer?.stop()
      await stop()
      // A part of the tests cannot provoke everything.
      if (!(project.vitest as { filenamePattern?: readonly string[] }).filenamePattern?.length) checkRecord(folder)
    } finally {
      await rm(folder, { recursive: true })
      bundle.remove()
    }
  }
}

/** Fails the run when a code that an entry declares was never seen as its answer. */
function checkRecord(folder: string): void {
  const { checked, provoked } = readRecord(folder)
  const declared = [...entries].flatMap(([key, entry]) => (entry.errors ?? []).map((code) => `${key} ${code}`))
  const missing = declared.filter((pair) => !provoked.has(pair))
  console.log(`${checked} replies held against the OpenAPI document; ${declared.length} declared errors provoked`)
  if (missing.length > 0) throw new Error(`declared, but never provoked by a test: ${missing.join(', ')}`)
}
