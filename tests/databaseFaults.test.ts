import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { openDatabase } from '../db/database.ts'
import { withConnection } from '../db/oneConnection.ts'
import { isUnavailable } from '../db/unavailable.ts'
import { createReachability } from '../server/platform/reachability.ts'
import { type Account, password, register } from './support/accounts.ts'
import { startApp, type TestApp } from './support/app.ts'
import { type Direction, type FaultProxy, startFaultProxy } from './support/faultProxy.ts'
import type { Reply } from './support/request.ts'
import { withClient } from './support/testServer.ts'
import { ask } from './support/trpcCall.ts'

/**
 * Longest time until an answer where one statement meets one fault: a connection (1 s), the statement (1 s) and half a
 * second, then as much again for a read of the gates that runs before one's own; the rest is for a busy machine.
 */
const boundMs = 15_000
const connections = 4

const { appUrl, gateUrl } = inject('testServer')
const proxies: Record<'app' | 'gate', FaultProxy> = {
  app: await startFaultProxy(appUrl),
  gate: await startFaultProxy(gateUrl),
}
const start = (statementSeconds: number) =>
  startApp({
    environment: {
      DATABASE_MAX_CONNECTIONS: String(connections),
      DATABASE_ACQUIRE_TIMEOUT_SECONDS: '1',
      DATABASE_STATEMENT_TIMEOUT_SECONDS: String(statementSeconds),
      REQUEST_TIMEOUT_SECONDS: '60',
    },
    reroute: (url, role) => proxies[role].reroute(url),
  })

let app: TestApp
let patient: TestApp
let account: Account
beforeAll(async () => {
  app = await start(1)
  patient = await start(20)
  account = await register(app)
})
afterEach(() => {
  for (const proxy of Object.values(proxies)) proxy.set({})
})
afterAll(async () => {
  await app.close()
  await patient.close()
  for (const proxy of Object.values(proxies)) await proxy.close()
})

const signUp = (changes: { key?: string; email?: string; on?: TestApp } = {}) => {
  const { key, email = `${randomUUID()}@example.org`, on = app } = changes
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  return on.request('POST', '/api/v1/auth/register', { body: { email, password, name: 'Ada' }, headers })
}
const sessions = () => app.request('GET', '/api/v1/me/sessions', { token: account.accessToken })
const me = () => app.request('GET', '/api/v1/auth/me', { token: account.accessToken })

const expectRefusal = ({ status, headers, body }: Reply, code = 'unavailable') => {
  expect([status, body.error.code, Number(headers.get('retry-after'))]).toEqual([503, code, 1])
}
const timed = async <T>(work: Promise<T>): Promise<T> => {
  const startedAt = performance.now()
  const result = await work
  expect(performance.now() - startedAt).toBeLessThan(boundMs)
  return result
}
/** In a moment every connection is at rest or gone, and nobody waits; the time limit of the test is the limit. */
const expectNoLeak = async ({ pools }: TestApp = app) => {
  for (const stats of [pools.app, pools.gate]) {
    await until(() => stats().idle === stats().total && stats().waiting === 0)
  }
}
const countOf = async (table: string, email: string) =>
  Number((await app.sql(`select count(*) from ${table} where email = $1`, [email]))[0]?.count)
const usersWith = (email: string) => countOf('users', email)
const sessionsOf = (email: string) => countOf('sessions join users on users.id = user_id', email)
/** Asks until it is so; the time limit of the test is the limit. */
const until = async (isSo: () => Promise<boolean> | boolean) => {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
}
/** Holds a lock that stops every statement on sessions, for the time of `work`. */
const whileSessionsAreLocked = async <T>(
  on: TestApp,
  work: (blocked: (count: number) => Promise<void>) => Promise<T>,
) => {
  const [name] = (await on.sql('select current_database() as name')).map((row) => String(row.name))
  const url = new URL(inject('testServer').ownerUrl)
  url.pathname = `/${name}`
  return withClient(url.href, async (owner) => {
    await owner.query('begin; lock table sessions in access exclusive mode')
    const blocked = (count: number) =>
      until(async () => {
        const { rows } = await owner.query(
          'select count(distinct pid)::int as count from pg_locks where not granted and relation = $1::regclass',
          ['sessions'],
        )
        return rows[0].count === count
      })
    const result = await work(blocked)
    await owner.query('rollback')
    return result
  })
}

describe('a connection on which nothing arrives any more', () => {
  test.each<Direction>(['toDatabase', 'toServer'])(
    '%s is given up in time, and the next request has another',
    async (direction) => {
      expect((await sessions()).status).toBe(200)
      proxies.app.set({ isBlackhole: true }, direction)
      expectRefusal(await timed(sessions()))
      proxies.app.set({})
      expect((await sessions()).status).toBe(200)
      await expectNoLeak()
    },
  )

  test('costs a call over tRPC no more than one over REST', async () => {
    proxies.app.set({ isBlackhole: true })
    const { status, headers, body } = await timed(ask(app, 'sessions.list', {}, account.accessToken))
    expect([status, body.error.data.failure.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '1'])
  })

  test('does not keep others waiting longer than the bound, however many they are', async () => {
    proxies.app.set({ isBlackhole: true })
    const replies = await timed(Promise.all(Array.from({ length: 5 * connections }, () => signUp())))
    for (const reply of replies) expectRefusal(reply)
    proxies.app.set({})
    // Who waited last had waited long, so the next may be refused once more.
    await until(async () => (await signUp()).status === 201)
    await expectNoLeak()
  })

  test('in the pool of the gates is 503, never a 401 for a good token', async () => {
    expect((await me()).status).toBe(200)
    proxies.gate.set({ isBlackhole: true })
    for (const reply of await timed(Promise.all([me(), sessions(), me()]))) expectRefusal(reply)
    proxies.gate.set({})
    expect((await me()).status).toBe(200)
    await expectNoLeak()
  })

  test('makes the instance not ready while it lives on', async () => {
    proxies.gate.set({ isBlackhole: true })
    const ready = await timed(app.request('GET', '/readyz'))
    expect([ready.status, ready.body.error.meta.reason]).toEqual([503, 'database unavailable'])
    expect((await app.request('GET', '/livez')).status).toBe(200)
    proxies.gate.set({})
    await until(async () => (await app.request('GET', '/readyz')).status === 200)
  })

  test('is asked by one connection at a time, however often another database fails at once', async () => {
    proxies.gate.set({ isBlackhole: true })
    const options = { applicationName: 'test', statementCache: true, acquireTimeoutMs: 10_000, onError: () => {} }
    const silent = openDatabase({ ...options, url: proxies.gate.reroute(gateUrl), maxConnections: 3 })
    const absent = openDatabase({ ...options, url: 'postgres://app:x@127.0.0.1:1/app', maxConnections: 1 })
    const isReachable = createReachability([absent, silent], pino({ enabled: false }))
    for (const _ of [1, 2, 3]) expect(await isReachable()).toBe(false)
    expect(silent.stats().total).toBe(1)
    proxies.gate.set({})
    await Promise.all([silent.close(), absent.close()])
  })

  test('is told apart from a mistake before the server starts, too', async () => {
    proxies.app.set({ isBlackhole: true })
    const attempt = withConnection(proxies.app.reroute(appUrl), async () => {}, { connectionTimeoutMillis: 100 })
    expect(isUnavailable(await attempt.catch((error: unknown) => error))).toBe(true)
  })
})

describe('a connection that breaks in the middle of a transaction', () => {
  const breaks: Record<string, () => void> = {
    'by RST': () => proxies.app.reset(),
    'when the database stops talking': () => proxies.app.halfClose('toServer'),
    'when the server is no longer heard': () => proxies.app.halfClose('toDatabase'),
  }

  test.each(Object.keys(breaks))('%s leaves nothing behind', async (how) => {
    const email = `${randomUUID()}@example.org`
    let gone: Promise<unknown> | undefined
    const broken = proxies.app.when('toDatabase', 'sessions.insert', () => {
      gone = proxies.app.untilGone()
      breaks[how]?.()
    })
    expectRefusal(await timed(signUp({ email })))
    await broken
    // Connections at rest broke as well, of which the server may hear a little later.
    await gone
    expect((await signUp({ email })).status).toBe(201)
    expect(await usersWith(email)).toBe(1)
    await expectNoLeak()
  })

  test('while nobody uses it harms no request', async () => {
    expect((await sessions()).status).toBe(200)
    proxies.app.reset()
    proxies.gate.reset()
    await until(() => app.pools.app().total + app.pools.gate().total === 0)
    expect((await sessions()).status).toBe(200)
  })
})

describe('a COMMIT whose answer is lost', () => {
  test('is 503, and the repeated key gets the answer of what was done once', async () => {
    const [key, email] = [randomUUID(), `${randomUUID()}@example.org`]
    const sent = proxies.app.when('toDatabase', 'commit', () => proxies.app.set({ isBlackhole: true }, 'toServer'))
    const first = signUp({ key, email })
    await sent
    await until(async () => (await usersWith(email)) === 1)
    proxies.app.reset()
    expectRefusal(await first)
    proxies.app.set({})
    const again = await signUp({ key, email })
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([201, 'true'])
    expect([await usersWith(email), await sessionsOf(email)]).toEqual([1, 1])
    await expectNoLeak()
  })
})

describe('a database that is slow', () => {
  test('is waited for', async () => {
    proxies.app.set({ latencyMs: 50 })
    proxies.gate.set({ latencyMs: 50 })
    const replies = await Promise.all([signUp(), sessions(), me()])
    expect(replies.map(({ status }) => status)).toEqual([201, 200, 200])
  })

  test('has its statement stopped by PostgreSQL, and keeps its connection', async () => {
    expect((await signUp()).status).toBe(201)
    await whileSessionsAreLocked(app, async () => expectRefusal(await timed(signUp()), 'deadline_exceeded'))
    await expectNoLeak()
  })

  test('with every connection taken refuses the next within the acquire timeout, while the process answers', async () => {
    const finished: string[] = []
    const taken = await whileSessionsAreLocked(patient, async (blocked) => {
      const calls = Array.from({ length: connections }, () =>
        signUp({ on: patient }).then((reply) => {
          finished.push('taken')
          return reply
        }),
      )
      await blocked(connections)
      const refused = signUp({ on: patient }).then((reply) => {
        finished.push('refused')
        return reply
      })
      await until(() => patient.pools.app().waiting === 1)
      const { status } = await patient.request('GET', '/livez')
      finished.push('livez')
      expect(status).toBe(200)
      expectRefusal(await timed(refused))
      return calls
    })
    expect((await Promise.all(taken)).map(({ status }) => status)).toEqual(taken.map(() => 201))
    expect(finished.slice(0, 2)).toEqual(['livez', 'refused'])
    expect((await signUp({ on: patient })).status).toBe(201)
    await expectNoLeak(patient)
  })
})
