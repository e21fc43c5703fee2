import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openDatabase } from '../db/database.ts'
import { isUnavailable } from '../db/unavailable.ts'
import { login, password, register } from './support/accounts.ts'
import { startApp, type TestApp } from './support/app.ts'
import { hasPgBouncer, letGo, type PgBouncer, startPgBouncer, through } from './support/pgbouncer.ts'

const isInstalled = hasPgBouncer()
if (!isInstalled) console.warn('skipped behind PgBouncer: it is not installed (apt-get install pgbouncer)')

/** What a shared connection could get wrong. `TEST_PGBOUNCER=1 npx vitest run` puts every test behind one. */
describe.runIf(isInstalled)('behind PgBouncer in transaction mode', () => {
  const server = inject('testServer')
  let bouncer: PgBouncer
  let app: TestApp
  beforeAll(async () => {
    bouncer = await startPgBouncer(server)
    app = await startApp({
      environment: { DATABASE_STATEMENT_CACHE: 'false', DATABASE_STATEMENT_TIMEOUT_SECONDS: '2' },
      reroute: through(bouncer.port),
    })
  })
  afterAll(async () => {
    const [row] = await app.sql('select current_database() as name')
    await letGo({ port: bouncer.port, login: server.appUrl, database: String(row?.name) })
    await app.close()
    await bouncer.stop()
  })

  test('many calls at once share a few connections, and each gets its own answer', async () => {
    const accounts = await Promise.all(Array.from({ length: 20 }, () => register(app)))
    await Promise.all(accounts.map(({ email }) => login(app, email)))
    const replies = await Promise.all(
      accounts.flatMap(({ accessToken: token }) => [
        app.request('GET', '/api/v1/auth/me', { token }),
        app.request('GET', '/api/v1/me/sessions', { token }),
      ]),
    )
    accounts.forEach(({ id }, index) => {
      const [me, sessions] = replies.slice(2 * index)
      expect([me?.body.data.id, sessions?.body.data.items.length]).toEqual([id, 2])
    })
  })

  test('a key has one effect, although its lock is taken on a shared connection', async () => {
    const body = { email: `${randomUUID()}@example.org`, password, name: 'Ada' }
    const call = () =>
      app.request('POST', '/api/v1/auth/register', { body, headers: { 'idempotency-key': body.email } })
    const replies = await Promise.all(Array.from({ length: 5 }, call))
    for (const { status } of replies) expect([201, 409]).toContain(status)
    expect((await call()).headers.get('idempotent-replay')).toBe('true')
    expect(await app.sql('select count(*)::int as count from users where email = $1', [body.email])).toEqual([
      { count: 1 },
    ])
  })

  test('nothing that a transaction was told reaches the next one, and its statements have their limit', async () => {
    const [row] = await app.sql('select current_database() as name')
    const url = new URL(through(bouncer.port)(server.appUrl))
    url.pathname = `/${row?.name}`
    const database = openDatabase({
      url: url.href,
      maxConnections: 2,
      statementCache: false,
      applicationName: 'test',
      acquireTimeoutMs: 5_000,
      statementTimeoutMs: 2_000,
      onError: () => {},
    })
    const told = "select current_setting('statement_timeout') as time, current_setting('app.tenant_id', true) as tenant"
    const inside = await database.transaction((tx) => tx.execute(told), { tenant: 'global' })
    expect(inside.rows).toEqual([{ time: '2s', tenant: 'global' }])
    const read = await database.readAs({ tenant: 'global' }, (tx) => tx.execute(told))
    expect(read.rows).toEqual([{ time: '2s', tenant: 'global' }])
    const outside = await database.db.execute(told)
    expect([outside.rows[0]?.time, outside.rows[0]?.tenant || '']).toEqual(['0', ''])
    const slow = database.transaction((tx) => tx.execute('select pg_sleep(30)'))
    await expect(slow).rejects.toMatchObject({ cause: { code: '57014' } })
    await database.close()
  })

  test('a database that is away behind it is 503 within the limit of a statement, and is forgotten as soon as it is back', async () => {
    const account = await register(app)
    const [row] = await app.sql('select current_database() as name')
    const sessions = () => app.request('GET', '/api/v1/me/sessions', { token: account.accessToken })
    await app.sql(`alter database ${row?.name} connection limit 0`)
    await letGo({ port: bouncer.port, login: server.appUrl, database: String(row?.name) })
    const { status, headers, body } = await sessions()
    expect([status, body.error.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '1'])
    await app.sql(`alter database ${row?.name} connection limit -1`)
    while ((await sessions()).status !== 200);
  })

  test('a pooler that is gone is unavailable, as the database would be', async () => {
    const gone = await startPgBouncer(server)
    const database = openDatabase({
      url: through(gone.port)(server.appUrl),
      maxConnections: 1,
      statementCache: false,
      applicationName: 'test',
      acquireTimeoutMs: 5_000,
      onError: () => {},
    })
    await gone.stop()
    const error = await database.db.execute('select 1').catch((thrown: unknown) => thrown)
    expect(isUnavailable(error)).toBe(true)
    await database.close()
  })
})
