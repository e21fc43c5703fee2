import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../db/database.ts'
import type { Duty } from '../server/platform/duties/duty.ts'
import { createDutyRunner } from '../server/platform/duties/runner.ts'
import { register } from './support/accounts.ts'
import { startApp, type TestApp } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { withClient } from './support/testServer.ts'

/** One tick a year: a test cannot run into the next one, but for those that begin as a year ends. */
const yearly = '0 0 1 1 *'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())
beforeEach(() => sql('truncate duties'))

const sql = (text: string, values?: unknown[]) =>
  withClient(database.ownerUrl, async (client) => (await client.query(text, values)).rows)

/** Makes what was claimed look like the tick before: the newest one is due again. */
const moveOn = () => sql("update duties set tick = tick - interval '1 year'")

describe('a runner', () => {
  const opened: Database[] = []
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()))
  })

  /** An instance of the server, as far as duties go. */
  const instance = (...duties: Duty[]) => {
    const lines: Record<string, unknown>[] = []
    const own = openDatabase({
      url: database.appUrl,
      maxConnections: 3,
      statementCache: false,
      applicationName: 'duties',
      acquireTimeoutMs: 5_000,
      onError: () => {},
    })
    opened.push(own)
    const log = pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) })
    return { ...createDutyRunner({ duties, database: own, settings: { eventRetentionDays: 30 }, log }), lines }
  }

  /** A duty that counts its runs. */
  const counting = (schedule = yearly) => {
    const ticks: Date[] = []
    const run: Duty['run'] = async ({ tick }) => ({ runs: ticks.push(tick) })
    return { ticks, duty: { name: 'test.count', schedule, run } }
  }

  /** A duty whose run a test holds in its hands. */
  const held = (name = 'test.held') => {
    const runs: { readonly signal: AbortSignal; readonly end: (error?: Error) => void }[] = []
    const run: Duty['run'] = ({ signal }) =>
      new Promise((resolve, reject) => {
        runs.push({ signal, end: (error) => (error ? reject(error) : resolve({ runs: runs.length })) })
      })
    const untilBegun = async (count = 1) => {
      while (runs.length < count) await new Promise(setImmediate)
    }
    return { runs, untilBegun, duty: { name, schedule: yearly, run } }
  }

  const rows = () => sql('select name, outcome, result, error, finished_at >= started_at as ended from duties')

  it('runs a duty once a tick, whichever of several instances looks first, and however often', async () => {
    const { ticks, duty } = counting()
    const instances = Array.from({ length: 3 }, () => instance(duty))
    const lookAll = () => Promise.all(instances.flatMap(({ look }) => [look(), look()]))
    await lookAll()
    const locker = () => sql('select xmax::text from duties')
    const before = await locker()
    await lookAll()
    // A look that finds nothing to do does not so much as lock the row.
    expect(await locker()).toEqual(before)
    const newYear = new Date(Date.UTC(new Date().getUTCFullYear(), 0))
    expect(ticks).toEqual([newYear])
    expect(await rows()).toEqual([
      { name: 'test.count', outcome: 'done', result: { runs: 1 }, error: null, ended: true },
    ])
    await moveOn()
    await lookAll()
    expect(ticks).toEqual([newYear, newYear])
  })

  it('makes up for missed ticks with the newest one alone', async () => {
    const { ticks, duty } = counting('* * * * * *')
    await sql(
      "insert into duties values ('test.count', date_trunc('second', now()) - interval '1 hour', 'gone', now())",
    )
    await instance(duty).look()
    expect(ticks.length).toBe(1)
    const [row] = await sql("select tick > now() - interval '1 minute' as recent from duties")
    expect(row).toEqual({ recent: true })
  })

  it('goes by the database: what lies ahead of its clock is not due', async () => {
    const { ticks, duty } = counting()
    await sql("insert into duties values ('test.count', date_trunc('year', now()) + interval '1 year', 'other', now())")
    await instance(duty).look()
    expect(ticks).toEqual([])
  })

  it('leaves what somebody else has claimed and not finished to the next tick', async () => {
    const { duty, ticks } = counting()
    const { look } = instance(duty)
    await sql(
      "insert into duties values ('test.count', date_trunc('year', now() at time zone 'utc') at time zone 'utc', 'crashed', now())",
    )
    await look()
    expect(ticks).toEqual([])
    await moveOn()
    await look()
    expect(ticks.length).toBe(1)
  })

  it('logs a failure once and keeps its kind, which quotes nothing', async () => {
    const failing = (name: string, run: Duty['run']) => ({ name, schedule: yearly, run })
    const { look, lines } = instance(
      failing('test.throws', async () => {
        throw new TypeError('https://name:hunter2@example.org is away')
      }),
      failing('test.database', async ({ database: { db } }) => ({
        rows: (await db.execute("select 'hunter2'::int")).rowCount ?? 0,
      })),
      counting().duty,
    )
    await look()
    expect(lines.map(({ level, duty, msg }) => [level, duty, msg]).sort()).toEqual([
      [50, 'test.database', 'a duty failed'],
      [50, 'test.throws', 'a duty failed'],
    ])
    const kept = await rows()
    expect(kept.map(({ name, outcome, error }) => [name, outcome, error]).sort()).toEqual([
      ['test.count', 'done', null],
      ['test.database', 'failed', 'SQLSTATE 22P02'],
      ['test.throws', 'failed', 'TypeError'],
    ])
    expect(JSON.stringify(kept)).not.toContain('hunter2')
  })

  it('drops the result of a run that ends after its next tick was claimed', async () => {
    const slow = held()
    const late = instance(slow.duty)
    const looked = late.look()
    await slow.untilBegun()
    await moveOn()
    const { look } = instance({ ...slow.duty, run: async () => ({ later: 1 }) })
    await look()
    slow.runs[0]?.end()
    await looked
    expect((await rows()).map(({ result }) => result)).toEqual([{ later: 1 }])
    expect(late.lines.map(({ duty, msg }) => [duty, msg])).toEqual([
      ['test.held', 'a duty ended after its next tick was claimed; its result is dropped'],
    ])
  })

  it('drops it too when the same instance holds the later tick', async () => {
    const slow = held()
    const { look, lines } = instance(slow.duty)
    const looked = look()
    await slow.untilBegun()
    await sql("update duties set tick = tick + interval '1 year'")
    slow.runs[0]?.end()
    await looked
    expect((await rows()).map(({ outcome }) => outcome)).toEqual([null])
    expect(lines.length).toBe(1)
  })

  it('does not begin a duty again that is still running here', async () => {
    const slow = held()
    const { look } = instance(slow.duty)
    const looked = look()
    await slow.untilBegun()
    await moveOn()
    await look()
    expect(slow.runs.length).toBe(1)
    slow.runs[0]?.end()
    await looked
    const again = look()
    await slow.untilBegun(2)
    slow.runs[1]?.end()
    await again
  })

  it('shows nothing of the run before while the next one is at work', async () => {
    const slow = held()
    const { look } = instance(slow.duty)
    for (const count of [1, 2]) {
      const looked = look()
      await slow.untilBegun(count)
      expect((await rows()).map(({ outcome, result, ended }) => [outcome, result, ended])).toEqual([[null, null, null]])
      slow.runs[count - 1]?.end()
      await looked
      await moveOn()
    }
  })

  it('looks again and again once started, and does not keep the process alive by it', async () => {
    const { ticks, duty } = counting('* * * * * *')
    const { start, stop, lines } = instance(duty)
    const timersThatHold = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timersThatHold()
    start()
    expect(timersThatHold()).toBe(before)
    while (ticks.length < 2) await new Promise(setImmediate)
    await stop(60_000)
    expect(lines).toEqual([])
  })

  it('aborts a run when its next tick is due', async () => {
    const { look } = instance({
      name: 'test.long',
      schedule: '* * * * * *',
      run: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve({ aborted: 1 }))),
    })
    await look()
    expect((await rows()).map(({ result }) => result)).toEqual([{ aborted: 1 }])
  })

  it('stops: aborts what runs, waits for it to end, keeps its result, and begins nothing more', async () => {
    const slow = held()
    const { look, stop, lines } = instance(slow.duty)
    const looked = look()
    await slow.untilBegun()
    slow.runs[0]?.signal.addEventListener('abort', () => slow.runs[0]?.end())
    await stop(60_000)
    await looked
    expect(await rows()).toEqual([
      { name: 'test.held', outcome: 'done', result: { runs: 1 }, error: null, ended: true },
    ])
    await moveOn()
    await look()
    expect([slow.runs.length, lines]).toEqual([1, []])
  })

  it('stops in time even when a duty does not', async () => {
    const deaf = held()
    const { look, stop, lines } = instance(deaf.duty)
    const looked = look()
    await deaf.untilBegun()
    await stop(1)
    expect(lines.map(({ duties, msg }) => [duties, msg])).toEqual([
      [['test.held'], 'duties are cut off: they did not end in time'],
    ])
    deaf.runs[0]?.end()
    await looked
  })

  it('refuses schedules that cannot be read or never come round, and two duties of one name', () => {
    const { duty } = counting()
    expect(() => instance({ ...duty, schedule: 'at noon' })).toThrow(
      '"at noon" of the duty test.count is no cron expression',
    )
    expect(() => instance({ ...duty, schedule: '0 0 30 2 *' })).toThrow('never comes round')
    expect(() => instance(duty, duty)).toThrow('two duties named test.count')
  })
})

describe('through the app', () => {
  let app: TestApp
  let other: TestApp
  beforeAll(async () => {
    ;[app, other] = await Promise.all([startApp({ database }), startApp({ database })])
  })
  afterAll(() => Promise.all([app.close(), other.close()]))

  const health = async () => (await app.request('GET', '/admin/healthz')).body.data.duties as Record<string, unknown>[]
  const reportOf = async (name: string) => (await health()).find((duty) => duty.name === name)

  /** Counts the rows of each DELETE on a table into `deletions`. */
  const countDeletes = (table: string) =>
    sql(`
      create table if not exists deletions (name text, size int);
      grant insert on deletions to app;
      create or replace function note_${table}() returns trigger language plpgsql as $$
        begin insert into deletions select '${table}', count(*) from gone; return null; end $$;
      create or replace trigger note after delete on ${table} referencing old table as gone
        for each statement execute function note_${table}()`)
  const sizes = async (name: string) =>
    (await sql('select size from deletions where name = $1 order by size desc', [name])).map(({ size }) => size)

  it('starts as the app listens, and not where RUN_DUTIES says no', async () => {
    const own = await createDatabase()
    const started = await startApp({ database: own, environment: { RUN_DUTIES: 'true' } })
    try {
      while ((await started.sql("select from duties where outcome = 'done'")).length < (await health()).length);
      expect(await sql('select from duties')).toEqual([])
    } finally {
      await started.close()
      await own.drop()
    }
  })

  it('shows schedule and last run of every duty in /admin/healthz', async () => {
    expect(await reportOf('idempotency.forget')).toEqual({ name: 'idempotency.forget', schedule: '*/10 * * * *' })
    await app.duties.look()
    expect(await reportOf('idempotency.forget')).toEqual({
      name: 'idempotency.forget',
      schedule: '*/10 * * * *',
      tick: expect.stringMatching(/:\d0:00.000Z$/),
      started_at: expect.any(String),
      finished_at: expect.any(String),
      outcome: 'done',
      result: { answers: 0 },
    })
    await sql('revoke delete on idempotency_keys from app')
    try {
      await moveOn()
      await other.duties.look()
      expect(await reportOf('idempotency.forget')).toMatchObject({ outcome: 'failed', error: 'SQLSTATE 42501' })
    } finally {
      await sql('grant delete on idempotency_keys to app')
    }
    expect(other.logged.filter((line) => line.includes('a duty failed'))).toHaveLength(1)
  })

  it('shows names and schedules when the runs cannot be read', async () => {
    await sql('revoke select on duties from app')
    try {
      expect(await reportOf('sessions.forget')).toEqual({ name: 'sessions.forget', schedule: '*/30 * * * *' })
    } finally {
      await sql('grant select on duties to app')
    }
  })

  it('forgets expired answers in batches, and none that can still be replayed', async () => {
    await countDeletes('idempotency_keys')
    const insert = `insert into idempotency_keys select sha256(($1 || i)::bytea), '', '', now(), now() + $2::interval
      from generate_series(1, $3) i`
    await sql(insert, ['expired', '-1 s', 2_500])
    await sql(insert, ['live', '1 h', 10])
    await app.duties.look()
    expect(
      await sql('select count(*)::int as kept, min(expires_at) > now() as all_live from idempotency_keys'),
    ).toEqual([{ kept: 10, all_live: true }])
    expect(await sizes('idempotency_keys')).toEqual([1_000, 1_000, 500])
    expect(await reportOf('idempotency.forget')).toMatchObject({ outcome: 'done', result: { answers: 2_500 } })
  })

  it('passes over a row that somebody holds', async () => {
    await sql("insert into idempotency_keys values ('held', '', '', now(), now() - interval '1 s')")
    await sql("insert into idempotency_keys values ('free', '', '', now(), now() - interval '1 s')")
    const commit = await app.hold("select from idempotency_keys where id = 'held' for update")
    await app.duties.look()
    await commit()
    const left = await sql("select id from idempotency_keys where id in ('held', 'free')")
    expect(left.map(({ id }) => String(id))).toEqual(['held'])
  })

  it('forgets expired sessions and refresh tokens, in batches, and leaves the live ones usable', async () => {
    const [live, stolen, gone, revoked] = await Promise.all(Array.from({ length: 4 }, () => register(app)))
    if (!live || !stolen || !gone || !revoked) throw new Error('an account is missing')
    const refresh = async (token: string) =>
      (await app.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: token } })).body
    const next = (await refresh(live.refreshToken)).data
    await refresh(stolen.refreshToken)
    await sql('update sessions set revoked_at = now() where user_id = $1', [revoked.id])
    await sql("update sessions set expires_at = now() - interval '1 s' where user_id = $1", [gone.id])
    await sql(
      `insert into sessions (id, user_id, expires_at) select gen_random_uuid(), $1, now() - interval '1 s' from generate_series(1, 1500)`,
      [gone.id],
    )
    await sql(
      `insert into refresh_tokens (token_hash, session_id, expires_at, used_at)
        select sha256((id::text || i)::bytea), id, now() - interval '1 s', now()
        from sessions cross join generate_series(1, 2) i where user_id = $1`,
      [live.id],
    )
    await sql(
      `insert into refresh_tokens (token_hash, session_id, expires_at)
        select sha256(id::text::bytea), id, now() - interval '1 s' from sessions where user_id = $1`,
      [gone.id],
    )
    await countDeletes('refresh_tokens')
    await countDeletes('sessions')
    await app.duties.look()

    const left = await sql('select user_id, count(*)::int from sessions group by 1')
    expect(new Map(left.map(({ user_id, count }) => [user_id, count]))).toEqual(
      new Map([live, stolen, revoked].map(({ id }) => [id, 1])),
    )
    expect(await sql('select count(*)::int, min(expires_at) > now() as live from refresh_tokens')).toEqual([
      { count: 5, live: true },
    ])
    expect(await sizes('sessions')).toEqual([1_000, 501])
    expect(Math.max(...(await sizes('refresh_tokens')))).toBe(1_000)
    expect(await reportOf('sessions.forget')).toMatchObject({
      outcome: 'done',
      result: { refresh_tokens: 1_503, sessions: 1_501 },
    })

    expect((await refresh(next.refresh_token)).success).toBe(true)
    expect((await refresh(stolen.refreshToken)).error.code).toBe('auth.token_reused')
  })

  it('waits for a duty as the app closes', async () => {
    const closing = await startApp({ database })
    const commit = await app.hold('lock table idempotency_keys in access exclusive mode')
    const looked = closing.duties.look()
    await app.untilBlocked(1)
    const closed = closing.close()
    await commit()
    await Promise.all([looked, closed])
    expect(await reportOf('idempotency.forget')).toMatchObject({ outcome: 'done' })
    expect(closing.logged.filter((line) => line.includes('dut'))).toEqual([])
  })
})
