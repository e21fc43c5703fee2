import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, login, password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import type { Reply } from './support/request.ts'
import { mutate, mutateAll } from './support/trpcCall.ts'

const address = () => `${randomUUID()}@example.org`
const input = (change: object = {}) => ({ email: address(), password, name: 'Ada', ...change })
const keyed = (key = randomUUID() as string) => ({ headers: { 'idempotency-key': key } })

/** The text of `data` in an envelope, byte for byte. */
const dataText = ({ text }: Reply) => text.slice(text.indexOf('"data":'), text.lastIndexOf(',"request_id"'))

describe.each(adapters)('Idempotency-Key on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  const call = (entry: string, body: object, options: object = {}) =>
    app.request('POST', `/api/v1/auth/${entry}`, { body, ...options })
  const countOf = async (text: string, values: unknown[] = []) =>
    Number((await app.sql(`select count(*) as count from ${text}`, values))[0]?.count)
  const sessionsOf = ({ id }: Account) => countOf('sessions where user_id = $1', [id])

  it('a repeated request has one effect and the same answer, byte for byte, under a request id of its own', async () => {
    const body = input()
    const options = keyed()
    const first = await call('register', body, options)
    const again = await call('register', body, options)
    expect([first.status, first.headers.get('idempotent-replay')]).toEqual([201, null])
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([201, 'true'])
    expect(dataText(again)).toBe(dataText(first))
    expect(again.body.request_id).toBe(again.headers.get('x-request-id'))
    expect(again.body.request_id).not.toBe(first.body.request_id)
    expect(await countOf('sessions s join users u on u.id = s.user_id where email = $1', [body.email])).toBe(1)
  })

  it('an answer without a body is repeated as one', async () => {
    const account = await register(app)
    const body = { current_password: password, new_password: 'a new password' }
    const options = { token: account.accessToken, ...keyed() }
    await call('password', body, options)
    const again = await call('password', body, options)
    expect([again.status, again.text, again.headers.get('idempotent-replay')]).toEqual([204, '', 'true'])
  })

  it('an answer is repeated over tRPC too, and by either transport for the other', async () => {
    const { email } = await register(app)
    const body = { email, password }
    const options = keyed()
    const first = await mutate(app, 'auth.login', body, options)
    const again = await mutate(app, 'auth.login', body, options)
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([200, 'true'])
    expect(again.body).toEqual(first.body)
    const rest = await call('login', body, options)
    expect([rest.headers.get('idempotent-replay'), rest.body.data]).toEqual(['true', first.body.result.data])
  })

  it('fields that do not count do not make another request of it', async () => {
    const { email } = await register(app)
    const options = keyed()
    await call('login', { email, password }, options)
    const again = await call('login', { unknown: 1, password, email: ` ${email.toUpperCase()}` }, options)
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([200, 'true'])
  })

  it.each(['rest', 'trpc'])('the key of another request is refused over %s, without effect', async (transport) => {
    const options = keyed()
    await call('register', input(), options)
    const other = input()
    if (transport === 'rest') {
      const { status, body } = await call('register', other, options)
      expect([status, body.error.code]).toEqual([409, 'idempotency.key_reused'])
    } else {
      const { status, body } = await mutate(app, 'auth.register', other, options)
      expect([status, body.error.data.failure.code]).toEqual([409, 'idempotency.key_reused'])
    }
    expect(await countOf('users where email = $1', [other.email])).toBe(0)
  })

  it('a key belongs to one person and one entry', async () => {
    const [ada, eve] = [await register(app), await register(app)]
    const change = { current_password: password, new_password: 'a new password' }
    const options = keyed()
    const replies = [
      await call('password', change, { token: ada.accessToken, ...options }),
      await call('password', change, { token: eve.accessToken, ...options }),
      await app.request('DELETE', '/api/v1/me/sessions', { token: ada.accessToken, ...options }),
      await call('login', { email: eve.email, password: 'a new password' }, options),
    ]
    expect(replies.map(({ status }) => status)).toEqual([204, 204, 200, 200])
    expect(replies.map(({ headers }) => headers.get('idempotent-replay'))).toEqual([null, null, null, null])
  })

  it('a failure is not kept: the same request may succeed later', async () => {
    const taken = await register(app)
    const body = input({ email: taken.email })
    const options = keyed()
    expect((await call('register', body, options)).body.error.code).toBe('user.email_taken')
    await app.sql('delete from users where id = $1', [taken.id])
    const again = await call('register', body, options)
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([201, null])
  })

  it('a failure whose effect is kept is not kept itself', async () => {
    const account = await register(app)
    const body = { refresh_token: account.refreshToken }
    await call('refresh', body)
    const options = keyed()
    expect((await call('refresh', body, options)).body.error.code).toBe('auth.token_reused')
    expect((await call('refresh', body, options)).body.error.code).toBe('auth.invalid')
    expect(await countOf('sessions where user_id = $1 and revoked_at is null', [account.id])).toBe(0)
  })

  it('a refresh whose answer was lost is answered again, and is no theft', async () => {
    const account = await register(app)
    const body = { refresh_token: account.refreshToken }
    const options = keyed()
    const first = await call('refresh', body, options)
    const again = await call('refresh', body, options)
    expect([again.status, dataText(again)]).toEqual([200, dataText(first)])
    const next = await call('refresh', { refresh_token: again.body.data.refresh_token })
    expect(next.status).toBe(200)
  })

  it.each([
    ['an empty key', ''],
    ['256 characters', 'x'.repeat(256)],
    ['a tab', 'a\tb'],
    ['a letter outside ASCII', 'cl\u00e9 with more behind it'],
  ])('%s is idempotency.key_invalid, before anything happens', async (_name, key) => {
    const body = input()
    const rest = await call('register', body, keyed(key))
    expect([rest.status, rest.body.error.code]).toEqual([400, 'idempotency.key_invalid'])
    const trpc = await mutate(app, 'auth.register', body, keyed(key))
    expect([trpc.status, trpc.body.error.data.failure.code]).toEqual([400, 'idempotency.key_invalid'])
    expect(await countOf('users where email = $1', [body.email])).toBe(0)
  })

  it('a key may be 255 characters of printable ASCII', async () => {
    const body = input()
    const options = keyed(`~ !"'\\${'x'.repeat(249)}`)
    await call('register', body, options)
    expect((await call('register', body, options)).headers.get('idempotent-replay')).toBe('true')
  })

  it('queries and entries without replay take no notice of a key', async () => {
    const account = await register(app)
    const options = { token: account.accessToken, ...keyed('') }
    expect((await app.request('GET', '/api/v1/auth/me', options)).status).toBe(200)
    expect((await app.request('POST', '/api/v1/auth/logout', options)).status).toBe(204)
  })

  it('one key cannot stand for several mutations of a batch: each is refused', async () => {
    const account = await register(app)
    const bodies = [input(), input()]
    const batch = await mutateAll(
      app,
      bodies.map((body) => ['auth.register', body] as const),
      keyed(),
    )
    expect(batch.status).toBe(400)
    expect(batch.body.map((one: { error: { data: object } }) => one.error.data)).toEqual(
      bodies.map(() => expect.objectContaining({ failure: { code: 'idempotency.key_invalid' } })),
    )
    expect(await countOf('users where email = any($1)', [bodies.map(({ email }) => email)])).toBe(0)
    const mixed = await mutateAll(app, [['auth.logout'], ['auth.login', { email: account.email, password }]], {
      token: account.accessToken,
      ...keyed(),
    })
    expect(
      mixed.body.map((one: { error?: { data: { failure: { code: string } } } }) => one.error?.data.failure.code),
    ).toEqual(['idempotency.key_invalid', 'idempotency.key_invalid'])
    expect((await app.request('GET', '/api/v1/auth/me', { token: account.accessToken })).status).toBe(200)
  })

  it('a batch of one mutation takes a key, and a batch without one runs all', async () => {
    const { email } = await register(app)
    const login = ['auth.login', { email, password }] as const
    const options = keyed()
    const first = await mutateAll(app, [login], options)
    const again = await mutateAll(app, [login], options)
    expect([again.status, again.body]).toEqual([200, first.body])
    expect(again.headers.get('idempotent-replay')).toBe('true')
    const both = await mutateAll(app, [login, login])
    expect([both.status, both.body.length]).toEqual([200, 2])
  })

  it('of thirty twins at once one takes effect; the others repeat its answer or are told to wait', async () => {
    const { email, ...account } = await register(app)
    const options = keyed()
    const replies = await Promise.all(Array.from({ length: 30 }, () => call('login', { email, password }, options)))
    expect(await sessionsOf({ email, ...account })).toBe(2)
    const done = replies.filter(({ status }) => status === 200)
    expect(done.filter(({ headers }) => headers.get('idempotent-replay') === null)).toHaveLength(1)
    expect(new Set(done.map(dataText)).size).toBe(1)
    for (const { status, body, headers } of replies.filter((reply) => reply.status !== 200)) {
      expect([status, body.error.code, headers.get('retry-after')]).toEqual([409, 'idempotency.in_progress', '1'])
    }
    expect((await call('login', { email, password }, options)).headers.get('idempotent-replay')).toBe('true')
  })

  it('a twin of a running request is told to wait, and its retry gets the answer', async () => {
    const { email, id } = await register(app)
    const options = keyed()
    // Holds the first request in its transaction, behind the claim of its key.
    await app.sql(`select pg_advisory_lock(7)`)
    await app.sql(`
      create function wait_for_seven() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(7); return new; end $$;
      create trigger wait_for_seven before insert on sessions for each row execute function wait_for_seven()`)
    const first = call('login', { email, password }, options)
    const isWaiting = async () =>
      (await countOf(`pg_locks where locktype = 'advisory' and objid = 7 and not granted and database =
        (select oid from pg_database where datname = current_database())`)) > 0
    while (!(await isWaiting()));
    const twin = await call('login', { email, password }, options)
    expect([twin.status, twin.body.error.code, twin.headers.get('retry-after')]).toEqual([
      409,
      'idempotency.in_progress',
      '1',
    ])
    await app.sql('select pg_advisory_unlock_all()')
    const done = await first
    await app.sql('drop function wait_for_seven cascade')
    const retry = await call('login', { email, password }, options)
    expect([retry.status, dataText(retry)]).toEqual([200, dataText(done)])
    expect(await countOf('sessions where user_id = $1', [id])).toBe(2)
  })

  it('an answer that has expired is forgotten: the request is carried out again', async () => {
    const account = await register(app)
    const body = { email: account.email, password }
    const options = keyed()
    await call('login', body, options)
    await app.sql('update idempotency_keys set expires_at = now()')
    const again = await call('login', body, options)
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([200, null])
    expect(await sessionsOf(account)).toBe(3)
    expect((await call('login', body, options)).headers.get('idempotent-replay')).toBe('true')
  })

  it('an answer is repeated only to those who may still ask', async () => {
    const account = await register(app)
    const other = await login(app, account.email)
    const revokeOthers = (token: string, options: object) =>
      app.request('DELETE', '/api/v1/me/sessions', { token, ...options })
    const options = keyed()
    expect((await revokeOthers(other.accessToken, options)).body.data).toEqual({ revoked: 1 })
    const ended = await revokeOthers(account.accessToken, options)
    expect([ended.status, ended.body.error.code]).toEqual([401, 'auth.invalid'])
    expect((await app.request('DELETE', '/api/v1/me/sessions', options)).status).toBe(401)
    expect((await revokeOthers(other.accessToken, options)).headers.get('idempotent-replay')).toBe('true')
  })

  it('a login with a password that is wrong by now is not answered from an earlier one', async () => {
    const account = await register(app)
    const body = { email: account.email, password }
    const options = keyed()
    await call('login', body, options)
    const change = { current_password: password, new_password: 'a new password' }
    await call('password', change, { token: account.accessToken })
    expect((await call('login', body, options)).body.error.code).toBe('user.invalid_credentials')
  })

  it('what is kept of a request holds no token, password, e-mail or key in clear', async () => {
    const body = input()
    const key = `key-${randomUUID()}`
    const registered = await call('register', body, keyed(key))
    const signedIn = await call('login', { email: body.email, password }, keyed(key))
    const refreshed = await call('refresh', { refresh_token: signedIn.body.data.tokens.refresh_token }, keyed(key))
    const rows = await app.sql('select id, fingerprint, answer from idempotency_keys')
    const kept = rows
      .map((row) =>
        Object.values(row)
          .map((value) => (value as Buffer).toString('latin1'))
          .join(),
      )
      .join()
    const secrets = [registered, signedIn].flatMap(({ body: { data } }) => [
      data.tokens.access_token,
      data.tokens.refresh_token,
      data.user.id,
    ])
    secrets.push(refreshed.body.data.access_token, refreshed.body.data.refresh_token, body.email, password, key)
    for (const secret of secrets) expect(kept).not.toContain(secret)
  })
})

describe.each(adapters)('after a rotation of the signing secret on %s', (adapter) => {
  const older = 'an older signing secret of 32 bytes or more'
  const newer = 'a newer signing secret of 32 bytes or more'

  it.each([
    ['is still repeated where the older secret is known', older, 'true'],
    ['is refused where it is not, and not carried out again', undefined, null],
  ])('an answer kept before %s', async (_name, previous, replayed) => {
    const before = await startApp({ adapter, environment: { JWT_SECRET: older } })
    const environment = { JWT_SECRET: newer, ...(previous ? { JWT_PREVIOUS_SECRETS: previous } : {}) }
    const after = await startApp({ adapter, environment })
    try {
      const options = { body: input(), ...keyed() }
      const first = await before.request('POST', '/api/v1/auth/register', options)
      const [row] = await before.sql('select * from idempotency_keys')
      const columns = Object.keys(row ?? {})
      const places = columns.map((_column, index) => `$${index + 1}`)
      await after.sql(`insert into idempotency_keys (${columns}) values (${places})`, Object.values(row ?? {}))
      const again = await after.request('POST', '/api/v1/auth/register', options)
      expect(again.headers.get('idempotent-replay')).toBe(replayed)
      if (previous) expect([again.status, dataText(again)]).toEqual([201, dataText(first)])
      else expect([again.status, again.body.error.code]).toEqual([409, 'idempotency.key_reused'])
    } finally {
      await Promise.all([before.close(), after.close()])
    }
  })
})
