import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../db/database.ts'
import { createRecorder } from '../server/platform/tracing/recorder.ts'
import { createTracing } from '../server/platform/tracing/tracing.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'

describe('a database that is observed', () => {
  const recorder = createRecorder()
  const tracing = createTracing({ share: 1, recorder })
  let test: TestDatabase
  let database: ReturnType<typeof openDatabase>
  beforeAll(async () => {
    test = await createDatabase()
    database = openDatabase({
      url: test.appUrl,
      maxConnections: 1,
      statementCache: true,
      applicationName: 'observed',
      acquireTimeoutMs: 5_000,
      onError: () => {},
      observer: tracing.queries,
    })
  })
  afterAll(async () => {
    await database.close()
    await test.drop()
  })
  const under = (name: string, work: () => Promise<unknown>) =>
    tracing.root(name, undefined, {}, async () => {
      await work()
    })
  const spansOf = (name: string) =>
    recorder
      .recent()
      .find((one) => one.name === name)
      ?.spans.map((span) => span.name)

  it('shows each caller its own queries, however long they waited for a connection', async () => {
    const names = ['first', 'second', 'third']
    await Promise.all(names.map((name) => under(name, () => database.db.execute(sql.raw(`select 1 as ${name}`)))))
    for (const name of names) {
      const spans = recorder.recent().find((one) => one.name === name)?.spans
      expect(spans?.map((span) => span.sql)).toEqual([`select ? as ${name}`])
    }
  })

  it('shows a transaction with its COMMIT, or its ROLLBACK and why', async () => {
    await under('commits', () => database.transaction((tx) => tx.execute(sql`select 1`)))
    expect(spansOf('commits')).toEqual(['transaction', 'SELECT', 'COMMIT'])
    await under('fails', () => database.transaction((tx) => tx.execute(sql`select 1 / 0`))).catch(() => {})
    expect(spansOf('fails')).toEqual(['transaction', 'SELECT', 'ROLLBACK'])
    const failed = recorder.recent().find((one) => one.name === 'fails')
    expect(failed?.spans.map(({ error }) => error)).toEqual(['22012', '22012', undefined])
  })

  it('shows a scoped read as its one query', async () => {
    await under('reads', () => database.readAs({ tenant: 'global' }, (db) => db.execute(sql`select 1`)))
    expect(spansOf('reads')).toEqual(['SELECT'])
  })

  it('shows no value that stands in a text', async () => {
    await under('values', () =>
      database.db.execute(sql.raw(`select 'it''s', E'a\\'b', $$c$$, 42, "name" from (select 1 as "name") x`)),
    )
    const [span] = recorder.recent().find((one) => one.name === 'values')?.spans ?? []
    expect(span?.sql).toBe('select ?, ?, ?, ?, "name" from (select ? as "name") x')
  })
})
