import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { query } from '../contract/core.ts'
import type { Db } from '../db/client.ts'
import { createPositions } from '../server/platform/replica/positions.ts'
import { unsuited } from '../server/platform/replica/standby.ts'
import { type Account, login, password, registerAdmin } from './support/accounts.ts'
import { startApp, type TestApp } from './support/app.ts'
import { type Caller, callerOf, said } from './support/caller.ts'
import { startFaultProxy } from './support/faultProxy.ts'
import { readScrape, total } from './support/scrape.ts'
import { type StreamingPair, startStreamingPair } from './support/streamingPair.ts'
import { found, joined } from './support/tenants.ts'
import { withClient } from './support/testServer.ts'

let pair: StreamingPair
beforeAll(async () => {
  pair = await startStreamingPair()
}, 120_000)
afterAll(() => pair.stop())

/** So wide a bound that replay can be paused for as long as a test likes. */
const wide = '3600'
const startServer = (replicaUrl = pair.replicaUrl, environment: Record<string, string> = {}) =>
  startApp({
    database: pair.database,
    modules: [probe],
    environment: {
      DATABASE_URL: pair.database.appUrl,
      DATABASE_REPLICA_URL: replicaUrl,
      REPLICA_LAG_SECONDS: wide,
      ...environment,
    },
  })

/** Tells who answered; a standby holds on to the table users until it is stopped. */
const probe = {
  name: 'probe',
  contract: {
    place: query({
      summary: 'Where a read was answered.',
      http: ['GET', '/api/v1/probe'],
      access: 'user',
      rate: 'read',
      tenancy: 'none',
      output: z.object({ is_standby: z.boolean() }),
      replica: true,
    }),
  },
  handlers: {
    place: async ({ readAs }: { readAs: <T>(read: (db: Db) => Promise<T>) => Promise<T> }) =>
      (
        await readAs((db) =>
          db.execute(sql`select pg_is_in_recovery() as is_standby,
            case when pg_is_in_recovery() then pg_sleep(60)::text end as held from users limit 1`),
        )
      ).rows[0],
  },
}
/** Resolves when the standby is at work on the probe. */
const untilHeld = () =>
  pair.onStandby(async (client) => {
    const held = `select 1 from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()`
    while ((await client.query(held)).rowCount === 0);
  })

const replicaOf = async ({ request }: TestApp) => (await request('GET', '/admin/healthz')).body.data.replica
/** Resolves when the server judges the replica so; `used`, or why it is not. */
const until = async (app: TestApp, judgement: 'used' | 'lag' | 'away' | 'unsuited') => {
  for (;;) {
    const { used, reason } = await replicaOf(app)
    if (used ? judgement === 'used' : judgement === reason) return
  }
}
const counted = async ({ request }: TestApp, name: string, labels: Record<string, string> = {}) =>
  total(readScrape((await request('GET', '/admin/metrics')).text), `tsforge_replica_${name}`, labels)

/** As if the person had signed in, and changed something for the last time, long ago. */
const age = async (app: TestApp, { id }: Account) => {
  await app.sql(`update sessions set last_used_at = last_used_at - interval '2 hours' where user_id = $1`, [id])
  await app.sql(`update last_writes set written_at = written_at - interval '2 hours' where person_id = $1`, [id])
}
const addRole = async (call: Caller) => {
  const code = `role-${randomUUID()}`
  expect(said(await call('POST', '/roles', { code, name: code }))).toBe('201')
  return code
}
const sees = async (call: Caller, code: string): Promise<boolean> => {
  const { status, data } = await call('GET', `/roles?q=${code}`)
  expect(status).toBe(200)
  return data.items.length === 1
}
const pause = () => pair.onStandby((client) => client.query('select pg_wal_replay_pause()'))
const resume = async () => {
  await pair.onStandby((client) => client.query('select pg_wal_replay_resume()'))
  await pair.inStep()
}
/** Replay stands still while `work` runs, so what is changed in it is on the primary alone. */
const whilePaused = async (work: () => Promise<void>) => {
  await pair.inStep()
  await pause()
  try {
    await work()
  } finally {
    await resume()
  }
}

describe('with a read replica', () => {
  let app: TestApp
  let other: TestApp
  let writer: Account
  let reader: Account
  beforeAll(async () => {
    ;[app, other] = await Promise.all([startServer(), startServer()])
    writer = await registerAdmin(app)
    reader = await registerAdmin(app)
    await Promise.all([until(app, 'used'), until(other, 'used')])
  })
  afterAll(() => Promise.all([app.close(), other.close()]))
  beforeEach(async () => {
    await age(app, writer)
    await age(app, reader)
  })

  it('marked lists come from it, on every instance', async () => {
    const before = await counted(app, 'reads_total', { place: 'replica' })
    await whilePaused(async () => {
      const code = await addRole(callerOf(app, writer))
      expect(await sees(callerOf(app, reader), code)).toBe(false)
      expect(await sees(callerOf(other, reader), code)).toBe(false)
    })
    expect(await counted(app, 'reads_total', { place: 'replica' })).toBe(before + 1)
  })

  it('who changed something sees it at once, on every instance, and others when it is replayed', async () => {
    await whilePaused(async () => {
      const code = await addRole(callerOf(app, writer))
      expect(await sees(callerOf(app, writer), code)).toBe(true)
      expect(await sees(callerOf(other, writer), code)).toBe(true)
      expect(await counted(other, 'fallbacks_total', { reason: 'own_write' })).toBeGreaterThan(0)
      // Later, where nothing but the mark of the write has changed.
      await age(app, writer)
      expect(await sees(callerOf(other, writer), code)).toBe(false)
      await resume()
      expect(await sees(callerOf(other, reader), code)).toBe(true)
    })
  })

  it('what a person changed in one session shows in their others, and with their keys', async () => {
    const second = await login(app, writer.email)
    const { data } = await callerOf(app, writer)('POST', '/api-keys', { name: 'ci', scopes: ['*'] })
    const withKey = callerOf(other, { accessToken: data.plaintext })
    await age(app, writer)
    await whilePaused(async () => {
      const code = await addRole(callerOf(app, second))
      expect(await sees(callerOf(other, writer), code)).toBe(true)
      expect(await sees(withKey, code)).toBe(true)
      const another = await addRole(withKey)
      expect(await sees(callerOf(app, second), another)).toBe(true)
      await age(app, writer)
      expect(await sees(withKey, another)).toBe(false)
    })
  })

  it('a change that is replayed for its Idempotency-Key, or failed, is judged as it was committed', async () => {
    await whilePaused(async () => {
      const call = callerOf(app, writer)
      expect(said(await call('POST', '/roles', { code: 'admin', name: 'Taken' }))).toMatch(/^409/)
      const [mark] = await app.sql(
        "select 1 from last_writes where person_id = $1 and written_at > now() - interval '1 hour'",
        [writer.id],
      )
      expect(mark).toBeUndefined()
      const code = `role-${randomUUID()}`
      const key = { 'idempotency-key': randomUUID() }
      for (const _ of [1, 2]) expect(said(await call('POST', '/roles', { code, name: code }, key))).toBe('201')
      expect(await sees(callerOf(other, writer), code)).toBe(true)
    })
  })

  it('who has just signed in reads from the primary', async () => {
    await whilePaused(async () => {
      const code = await addRole(callerOf(app, writer))
      expect(await sees(callerOf(other, await login(app, reader.email)), code)).toBe(true)
      expect(await sees(callerOf(other, reader), code)).toBe(false)
    })
  })

  it('queries that are not marked, and who calls, are read from the primary', async () => {
    const doomed = await login(app, reader.email)
    await age(app, reader)
    await whilePaused(async () => {
      const newcomer = await registerAdmin(app)
      expect(said(await callerOf(app, reader)('GET', `/users/${newcomer.id}`))).toBe('200')
      expect(said(await callerOf(other, doomed)('GET', '/roles'))).toBe('200')
      expect(said(await callerOf(app, doomed)('POST', '/auth/logout'))).toBe('204')
      expect(said(await callerOf(other, doomed)('GET', '/roles'))).toBe('401 auth.invalid')
      await app.sql('delete from user_roles where user_id = $1', [newcomer.id])
      expect(said(await callerOf(other, newcomer)('GET', '/roles'))).toBe('403 rbac.permission_required')
    })
  })

  it('row security holds there as on the primary', async () => {
    const [acme, rival] = [await found(app, writer), await found(app, writer)]
    const member = await joined(app, acme)
    const inAcme = callerOf(app, reader, acme)
    const code = await addRole(callerOf(app, writer, acme))
    const theirs = await addRole(callerOf(app, writer, rival))
    await pair.inStep()
    await age(app, reader)
    const before = await counted(app, 'reads_total', { place: 'replica' })
    expect([await sees(inAcme, code), await sees(inAcme, theirs)]).toEqual([true, false])
    const { data } = await inAcme('GET', '/users')
    expect(data.items.map(({ id }: Account) => id)).toEqual([member.id, writer.id].toSorted().toReversed())
    expect(await counted(app, 'reads_total', { place: 'replica' })).toBe(before + 3)
    const seen = (sql: string) => withClient(pair.replicaUrl, async (client) => (await client.query(sql)).rows.length)
    expect(await seen('select from roles')).toBe(0)
  })

  it('its schema may be behind: what fails there is asked of the primary', async () => {
    const rename = (from: string, to: string) => app.sql(`alter table menus rename column ${from} to ${to}`)
    await rename('icon', 'sign')
    await pair.inStep()
    await pause()
    try {
      // As after a migration that the standby has not replayed: what the server names is on the primary alone.
      await rename('sign', 'icon')
      expect(said(await callerOf(app, reader)('GET', '/menus'))).toBe('200')
      expect(await counted(app, 'fallbacks_total', { reason: 'error' })).toBe(1)
    } finally {
      await resume()
    }
  })
})

describe('when the replica', () => {
  let app: TestApp
  let reader: Account
  beforeAll(async () => {
    app = await startServer()
    reader = await registerAdmin(app)
    await age(app, reader)
    await until(app, 'used')
  })
  afterAll(() => app.close())
  const list = () => callerOf(app, reader)('GET', '/users')
  const ready = async () => (await app.request('GET', '/readyz')).status

  it('ends a query that is in the way of replay, the primary answers it', async () => {
    await pair.onStandby(async (client) => {
      await client.query('alter system set max_standby_streaming_delay = 0')
      await client.query('select pg_reload_conf()')
    })
    const answer = callerOf(app, reader)('GET', '/probe')
    await untilHeld()
    await app.sql('begin; lock table users in access exclusive mode; commit')
    expect((await answer).data).toEqual({ is_standby: false })
    expect(await counted(app, 'fallbacks_total', { reason: 'conflict' })).toBe(1)
    expect((await replicaOf(app)).used).toBe(true)
  })

  it('stops with a query at work, the primary answers it', async () => {
    const answer = callerOf(app, reader)('GET', '/probe')
    await untilHeld()
    await pair.stopStandby()
    expect((await answer).data).toEqual({ is_standby: false })
    await pair.startStandby()
    await until(app, 'used')
  })

  it('stops, no call fails, readiness stays, and it is used again when it is back', async () => {
    const told = () => app.logged.filter((line) => line.includes('the read replica does not answer')).length
    const toldBefore = told()
    let isStopped = false
    const statuses = new Set<number>()
    const calls = async () => {
      while (!isStopped) statuses.add((await list()).status).add(await ready())
    }
    const running = [calls(), calls(), calls(), calls()]
    await pair.stopStandby()
    await until(app, 'away')
    isStopped = true
    await Promise.all(running)
    expect([...statuses]).toEqual([200])
    const before = await counted(app, 'fallbacks_total', { reason: 'away' })
    expect([(await list()).status, await ready()]).toEqual([200, 200])
    expect(await counted(app, 'fallbacks_total', { reason: 'away' })).toBe(before + 1)
    expect(told()).toBe(toldBefore + 1)

    await pair.startStandby()
    await until(app, 'used')
    const onReplica = await counted(app, 'reads_total', { place: 'replica' })
    await list()
    expect(await counted(app, 'reads_total', { place: 'replica' })).toBe(onReplica + 1)
  })

  it('is late by more than REPLICA_LAG_SECONDS, the primary answers, until it has caught up', async () => {
    const strict = await startServer(pair.replicaUrl, { REPLICA_LAG_SECONDS: '1' })
    try {
      await until(strict, 'used')
      await pair.inStep()
      await pause()
      const code = await addRole(callerOf(app, await registerAdmin(app)))
      await until(strict, 'lag')
      expect(await sees(callerOf(strict, reader), code)).toBe(true)
      expect(await counted(strict, 'fallbacks_total', { reason: 'lag' })).toBe(1)
      expect(await counted(strict, 'lag_seconds')).toBeGreaterThan(1)
      await resume()
      await until(strict, 'used')
      expect((await strict.request('GET', '/readyz')).status).toBe(200)
    } finally {
      await resume()
      await strict.close()
    }
  })

  it('falls silent with a call on it, the call is answered', async () => {
    const proxy = await startFaultProxy(pair.replicaUrl)
    const far = await startServer(proxy.reroute(pair.replicaUrl))
    try {
      await until(far, 'used')
      expect((await callerOf(far, reader)('GET', '/users')).status).toBe(200)
      proxy.set({ isBlackhole: true })
      expect((await callerOf(far, reader)('GET', '/users')).status).toBe(200)
      expect((await far.request('GET', '/readyz')).status).toBe(200)
      proxy.set({})
      proxy.reset()
      await until(far, 'used')
    } finally {
      await far.close()
      await proxy.close()
    }
  })

  it('is what DATABASE_URL leads to, as a primary of before a failover is, the server is not ready', async () => {
    const { port } = new URL(pair.replicaUrl)
    const there = (url: string) => Object.assign(new URL(url), { port }).href
    const demoted = await startApp({ database: pair.database, reroute: there })
    try {
      const answer = await demoted.request('GET', '/readyz')
      expect([answer.status, answer.body.error.meta.reason]).toEqual([503, 'database unavailable'])
      expect(demoted.logged.filter((line) => line.includes('not ready: '))).toEqual([
        expect.stringContaining('the server is a standby'),
      ])
      const body = { email: reader.email, password }
      const { status, headers } = await demoted.request('POST', '/api/v1/auth/login', { body })
      expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    } finally {
      await demoted.close()
    }
  })

  it.each([
    ['is no standby', () => pair.database.appUrl, 'a server that is no standby'],
    ['is read as the owner', () => pair.replicaOwnerUrl, 'a role that row security does not bind'],
  ])('%s, it is not used, and the log says why', async (_what, url, reason) => {
    const odd = await startServer(url())
    try {
      await until(odd, 'unsuited')
      expect((await callerOf(odd, reader)('GET', '/users')).status).toBe(200)
      expect(await counted(odd, 'reads_total', { place: 'replica' })).toBe(0)
      const said = odd.logged.filter((line) => line.includes('DATABASE_REPLICA_URL is not used'))
      expect(said).toEqual([expect.stringContaining(reason)])
    } finally {
      await odd.close()
    }
  })

  it('becomes a server of its own, it is not used any more', async () => {
    await pair.promote()
    await until(app, 'unsuited')
    expect([(await list()).status, await ready()]).toEqual([200, 200])
  })
})

it('a primary at rest makes no lag, a replica behind it does, and another primary begins anew', () => {
  const positions = createPositions(5_000)
  positions.note(0, 7n)
  positions.note(60_000, 7n)
  expect([positions.coveredBy(6n), positions.coveredBy(7n)]).toEqual([undefined, 60_000])
  positions.note(61_000, 9n)
  expect([positions.coveredBy(8n), positions.coveredBy(9n)]).toEqual([60_000, 61_000])
  positions.note(66_000, 9n)
  expect(positions.coveredBy(8n)).toBeUndefined()
  positions.note(67_000, 3n)
  expect([positions.coveredBy(2n), positions.coveredBy(9n)]).toEqual([undefined, 67_000])
})

it('a standby of another server or database is not suited', () => {
  const primary = { system: '1', database: 'app', position: 9n }
  const standby = { ...primary, isUnbound: false }
  expect(unsuited(standby, primary)).toBeUndefined()
  expect(unsuited({ ...standby, system: '2' }, primary)).toContain('another server')
  expect(unsuited({ ...standby, database: 'b' }, primary)).toContain('another database')
})

it('without one, nothing is noted of writes', async () => {
  const app = await startApp()
  try {
    await addRole(callerOf(app, await registerAdmin(app)))
    expect(await app.sql('select 1 from last_writes')).toEqual([])
    expect(await replicaOf(app)).toBeUndefined()
    expect(await counted(app, 'reads_total')).toBe(0)
  } finally {
    await app.close()
  }
})
