import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { name as ownName } from '../server/version.ts'
import { type Account, password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { withClient } from './support/testServer.ts'
import { ask, mutate } from './support/trpcCall.ts'

const internal = { code: 'internal', message: 'Something went wrong on our side.' }

const tryLogin = (app: TestApp, { email }: Account) =>
  app.request('POST', '/api/v1/auth/login', { body: { email, password } })

/** Ends every connection of the server to its database. A role may end its own connections only. */
const endConnections = async (app: TestApp) => {
  const [row] = await app.sql('select current_database() as name')
  const { ownerUrl, appUrl, gateUrl } = inject('testServer')
  for (const url of [ownerUrl, appUrl, gateUrl]) {
    await withClient(url, (client) =>
      client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = $1 and usename = current_user and application_name like $2`,
        [row?.name, `${ownName} %`],
      ),
    )
  }
}

/** Runs `work` while the database takes no new connection and has ended the old ones, as when it is away. */
const whileAway = async (app: TestApp, work: () => Promise<void>) => {
  const [row] = await app.sql('select current_database() as name')
  await app.sql(`alter database ${row?.name} connection limit 0`)
  try {
    await endConnections(app)
    await work()
  } finally {
    await app.sql(`alter database ${row?.name} connection limit -1`)
  }
}

describe.each(adapters)('a fault of the server on %s', (adapter) => {
  let app: TestApp
  let account: Account
  beforeAll(async () => {
    app = await startApp({ adapter })
    account = await register(app)
  })
  afterAll(() => app.close())

  it('is 500 with nothing of the fault in the answer, is logged, and the process lives', async () => {
    await app.sql('alter table refresh_tokens rename to hidden_tokens')
    try {
      const id = randomUUID()
      const body = { email: account.email, password }
      const reply = await app.request('POST', '/api/v1/auth/login', { body, headers: { 'x-request-id': id } })
      expect([reply.status, reply.body]).toEqual([500, { success: false, error: internal, request_id: id }])
      const trpc = await mutate(app, 'auth.login', body)
      expect([trpc.status, trpc.body.error]).toEqual([
        500,
        {
          message: internal.message,
          code: -32603,
          data: {
            code: 'INTERNAL_SERVER_ERROR',
            httpStatus: 500,
            path: 'auth.login',
            failure: { code: 'internal' },
            request_id: trpc.headers.get('x-request-id'),
          },
        },
      ])
      const lines = app.logged.map((line) => JSON.parse(line)).filter((line) => line.request_id === id)
      expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
        [50, 'unexpected error'],
        [30, 'request'],
      ])
      expect(JSON.stringify(lines[0].err)).toContain('42P01')
    } finally {
      await app.sql('alter table hidden_tokens rename to refresh_tokens')
    }
    expect((await tryLogin(app, account)).status).toBe(200)
  })

  it('in a gate is 500 too, for each of the callers that share a read', async () => {
    await app.sql('alter table sessions rename to hidden_sessions')
    try {
      const me = () => app.request('GET', '/api/v1/auth/me', { token: account.accessToken })
      const replies = await Promise.all(Array.from({ length: 5 }, me))
      expect(replies.map(({ status, body }) => [status, body.error])).toEqual(Array(5).fill([500, internal]))
    } finally {
      await app.sql('alter table hidden_sessions rename to sessions')
    }
    expect((await app.request('GET', '/api/v1/auth/me', { token: account.accessToken })).status).toBe(200)
  })
})

describe.each(adapters)('a database that is away on %s', (adapter) => {
  let app: TestApp
  let account: Account
  beforeAll(async () => {
    // Straight to the database, whatever the other tests go through: its connections are ended one by one.
    app = await startApp({ adapter, reroute: (url) => url })
    account = await register(app)
  })
  afterAll(() => app.close())

  it('is 503 with Retry-After for every call, while the process says that it lives', async () => {
    await whileAway(app, async () => {
      const calls = [
        await app.request('GET', '/api/v1/auth/me', { token: account.accessToken }),
        await tryLogin(app, account),
        await app.request('POST', '/api/v1/auth/logout', { token: account.accessToken }),
        await app.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: account.refreshToken } }),
      ]
      for (const { status, body, headers } of calls) {
        expect([status, body.error, headers.get('retry-after')]).toEqual([
          503,
          { code: 'unavailable', message: 'The service is not available at the moment.' },
          '1',
        ])
      }
      const trpc = await ask(app, 'auth.me', undefined, account.accessToken)
      expect([trpc.status, trpc.body.error.data.failure.code, trpc.headers.get('retry-after')]).toEqual([
        503,
        'unavailable',
        '1',
      ])
      const probes = await Promise.all(['/livez', '/healthz'].map((path) => app.request('GET', path)))
      expect(probes.map(({ status }) => status)).toEqual([200, 200])
    })
  })

  it('fails readiness with its reason, and is forgotten as soon as it is back', async () => {
    await whileAway(app, async () => {
      for (const path of ['/readyz', '/admin/healthz']) {
        const reply = await app.request('GET', path)
        expect([reply.status, reply.body.error.code, reply.body.error.meta]).toEqual([
          503,
          'unavailable',
          { reason: 'database unavailable' },
        ])
        expect(reply.headers.get('retry-after')).toBe('1')
      }
    })
    expect((await app.request('GET', '/readyz')).status).toBe(200)
    const replies = [
      await app.request('GET', '/api/v1/auth/me', { token: account.accessToken }),
      await tryLogin(app, account),
    ]
    expect(replies.map(({ status }) => status)).toEqual([200, 200])
  })

  it('is told once as it goes, with its cause, and once as it comes back', async () => {
    const said = (sentence: string) =>
      app.logged.map((line) => JSON.parse(line)).filter(({ msg }) => String(msg).startsWith(sentence))
    const before = [said('not ready: ').length, said('ready again: ').length] as const
    await whileAway(app, async () => {
      for (const _ of [1, 2, 3]) expect((await app.request('GET', '/readyz')).status).toBe(503)
    })
    expect((await app.request('GET', '/readyz')).status).toBe(200)
    const told = said('not ready: ')
    expect([told.length, said('ready again: ').length]).toEqual([before[0] + 1, before[1] + 1])
    // Too many connections, or the end of the one that was at rest.
    expect(JSON.stringify(told.at(-1)?.err)).toMatch(/53300|57P01/)
  })

  it('is 503, too, where it has been set to take no writes', async () => {
    const [row] = await app.sql('select current_database() as name')
    await app.sql(`alter database ${row?.name} set default_transaction_read_only = on`)
    try {
      await endConnections(app)
      const reply = await tryLogin(app, account)
      expect([reply.status, reply.body.error.code, reply.headers.get('retry-after')]).toEqual([503, 'unavailable', '1'])
    } finally {
      await app.sql(`begin read write; alter database ${row?.name} reset default_transaction_read_only; commit`)
      await endConnections(app)
    }
    expect((await tryLogin(app, account)).status).toBe(200)
  })

  it('is 503, too, where its disk is full', async () => {
    await app.sql(`
      create function fill() returns trigger language plpgsql as $$
        begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
      create trigger fill before insert on refresh_tokens for each row execute function fill()`)
    try {
      const reply = await tryLogin(app, account)
      expect([reply.status, reply.body.error.code, reply.headers.get('retry-after')]).toEqual([503, 'unavailable', '1'])
    } finally {
      await app.sql('drop function fill cascade')
    }
    expect((await tryLogin(app, account)).status).toBe(200)
  })

  it('is 503 for a call whose connection is lost under way, and the call had no effect', async () => {
    const sessions = async () => (await app.sql('select id from sessions where user_id = $1', [account.id])).length
    const before = await sessions()
    await app.sql('select pg_advisory_lock(13)')
    await app.sql(`
      create function hold() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(13); return new; end $$;
      create trigger hold before insert on refresh_tokens for each row execute function hold()`)
    try {
      const pending = tryLogin(app, account)
      const waiting = `select 1 from pg_locks where locktype = 'advisory' and objid = 13 and not granted
        and database = (select oid from pg_database where datname = current_database())`
      while ((await app.sql(waiting)).length === 0);
      await endConnections(app)
      const reply = await pending
      expect([reply.status, reply.body.error.code]).toEqual([503, 'unavailable'])
    } finally {
      await app.sql('select pg_advisory_unlock_all()')
      await app.sql('drop function hold cascade')
    }
    expect(await sessions()).toBe(before)
  })
})
