import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { mutate } from './support/trpcCall.ts'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

describe.each(adapters)('the log on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  /** The lines that a request wrote. */
  const linesOf = async (send: (headers: Record<string, string>) => Promise<unknown>) => {
    const id = randomUUID()
    await send({ 'x-request-id': id })
    return app.logged.map((line) => JSON.parse(line)).filter((line) => line.request_id === id)
  }
  const get = (path: string, token?: string, more = {}) =>
    linesOf((headers) =>
      app.request('GET', path, { headers: { ...headers, ...more }, ...(token === undefined ? {} : { token }) }),
    )

  it('has one JSON line for a request, with all that is needed to find it again', async () => {
    const { id, accessToken } = await register(app)
    expect(await get('/api/v1/auth/me', accessToken, { traceparent })).toEqual([
      {
        level: 30,
        time: expect.any(Number),
        request_id: expect.stringMatching(uuid),
        trace_id: traceId,
        method: 'GET',
        route: '/api/v1/auth/me',
        status: 200,
        duration_ms: expect.any(Number),
        address: '127.0.0.1',
        user_id: id,
        msg: 'request',
      },
    ])
  })

  it('names the route by its template, never by what stood in it or behind it', async () => {
    const { accessToken } = await register(app)
    const [line] = await linesOf((headers) =>
      app.request('DELETE', '/api/v1/me/sessions/canary?canary=1', { token: accessToken, headers }),
    )
    expect([line.method, line.route, line.status]).toEqual(['DELETE', '/api/v1/me/sessions/{id}', 400])
    expect(JSON.stringify(line)).not.toContain('canary')
  })

  it('names no route for a path that is none, and nobody for the anonymous', async () => {
    const [line] = await get('/canary')
    expect([line.route, line.status, 'user_id' in line, 'trace_id' in line]).toEqual([null, 404, false, false])
    expect(JSON.stringify(line)).not.toContain('canary')
    const [refused] = await get('/api/v1/auth/me')
    expect([refused.route, refused.status, 'user_id' in refused]).toEqual(['/api/v1/auth/me', 401, false])
  })

  it.each([
    ['of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['with a parent of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['in upper case', traceparent.toUpperCase()],
    ['of version ff', `ff${traceparent.slice(2)}`],
    ['cut short', traceparent.slice(0, -1)],
    ['that is text', '"}canary'],
  ])('leaves out a traceparent %s', async (_name, sent) => {
    const [line] = await get('/api/v1/auth/me', undefined, { traceparent: sent })
    expect(line).not.toHaveProperty('trace_id')
  })

  it('keeps the trace id of a later version of traceparent', async () => {
    const [line] = await get('/api/v1/auth/me', undefined, {
      traceparent: `01-${traceparent.slice(3)}-what-is-to-come`,
    })
    expect(line.trace_id).toBe(traceId)
  })

  it('has probes at debug, and everything else at info', async () => {
    for (const path of ['/livez', '/healthz', '/readyz', '/.well-known/jwks.json']) {
      expect(
        (await get(path)).map(({ level }) => level),
        path,
      ).toEqual([20])
    }
    expect((await get('/api/v1/auth/me')).map(({ level }) => level)).toEqual([30])
  })

  it('has one line for a tRPC batch', async () => {
    const { accessToken, id } = await register(app)
    const lines = await get('/trpc/auth.me,sessions.list?batch=1', accessToken)
    expect(lines.map(({ route, status, user_id }) => [route, status, user_id])).toEqual([['/trpc/{path}', 207, id]])
  })

  it('says 499 of a client that left before its answer', async () => {
    const { email } = await register(app)
    await app.sql('select pg_advisory_lock(11)')
    await app.sql(`
      create function wait_for_lock() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(11); return new; end $$;
      create trigger wait_for_lock before insert on sessions for each row execute function wait_for_lock()`)
    const leaving = new AbortController()
    const id = randomUUID()
    const pending = fetch(`${app.url}/api/v1/auth/login`, {
      method: 'POST',
      body: JSON.stringify({ email, password: 'correct horse battery' }),
      headers: { 'content-type': 'application/json', 'x-request-id': id },
      signal: leaving.signal,
    }).catch(() => undefined)
    const isHeld = async () =>
      (
        await app.sql(`select 1 from pg_locks where locktype = 'advisory' and objid = 11 and not granted and database =
        (select oid from pg_database where datname = current_database())`)
      ).length > 0
    while (!(await isHeld()));
    leaving.abort()
    await pending
    const lines = () => app.logged.map((line) => JSON.parse(line)).filter((line) => line.request_id === id)
    while (lines().length === 0) await app.request('GET', '/livez')
    await app.sql('select pg_advisory_unlock_all()')
    await app.sql('drop function wait_for_lock cascade')
    expect(lines().map(({ status }) => status)).toEqual([499])
  })

  it('holds no password, token, credential or key, whatever goes wrong', async () => {
    const canary = (name: string) => `canary-${name}-${randomUUID()}`
    const secrets = {
      password: canary('password'),
      next: canary('next'),
      bearer: canary('bearer'),
      basic: Buffer.from(`ada:${canary('basic')}`).toString('base64'),
      refresh: canary('refresh'),
      key: canary('key'),
      cookie: canary('cookie'),
      query: canary('query'),
      admin: canary('admin'),
      name: canary('name'),
    }
    const issued: string[] = []
    const headers = {
      'idempotency-key': secrets.key,
      cookie: `session=${secrets.cookie}`,
      'x-admin-token': secrets.admin,
    }
    const email = `${randomUUID()}@example.org`
    const attempt = async () => {
      const registration = { email, password: secrets.password, name: `Ada\nat ${secrets.name}` }
      const registered = await app.request('POST', '/api/v1/auth/register', { body: registration, headers })
      const login = { email, password: secrets.password }
      const signedIn = await app.request('POST', '/api/v1/auth/login', { body: login, headers })
      const token =
        signedIn.body.data?.tokens.access_token ?? registered.body.data?.tokens.access_token ?? secrets.bearer
      const refresh = { refresh_token: signedIn.body.data?.tokens.refresh_token ?? secrets.refresh }
      const refreshed = await app.request('POST', '/api/v1/auth/refresh', { body: refresh, headers })
      const change = { current_password: secrets.password, new_password: secrets.next }
      await app.request('POST', '/api/v1/auth/password', { token, body: change, headers })
      await mutate(app, 'auth.changePassword', change, { token, headers })
      await app.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: secrets.refresh }, headers })
      await app.request('GET', `/api/v1/auth/me?access_token=${secrets.query}`, { token: secrets.bearer, headers })
      await app.request('GET', '/api/v1/auth/me', { headers: { ...headers, authorization: `Basic ${secrets.basic}` } })
      await app.request('POST', '/api/v1/auth/login', { body: `{"password":"${secrets.password}"`, headers })
      for (const { body } of [registered, signedIn])
        issued.push(...Object.values<string>(body.data?.tokens ?? {}).slice(0, 2))
      issued.push(...Object.values<string>(refreshed.body.data ?? {}).slice(0, 2))
    }
    await attempt()
    await app.sql('delete from users where email = $1', [email])
    await app.sql('delete from idempotency_keys')
    // A constraint that no row meets: PostgreSQL repeats the row in its error, Drizzle the parameters.
    await app.sql(`alter table users add constraint canary_check check (name = '' or email <> '${email}') not valid`)
    await attempt()
    await app.sql('alter table users drop constraint canary_check')
    expect(issued).toHaveLength(6)
    expect(app.logged.some((line) => line.includes('canary_check'))).toBe(true)
    const all = app.logged.join('')
    for (const secret of [...Object.values(secrets), ...issued]) expect(all).not.toContain(secret)
    expect(all).not.toContain('$argon2')
    expect(all).not.toContain('Failing row')
  })

  it('writes every line as one JSON value', () => {
    expect(app.logged.length).toBeGreaterThan(10)
    for (const line of app.logged) expect([line.endsWith('\n'), line.split('\n').length]).toEqual([true, 2])
  })
})
