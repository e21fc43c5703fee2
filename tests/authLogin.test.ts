import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPasswordHasher } from '../server/platform/hashing/index.ts'
import { type Account, login, password, register, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import type { Reply } from './support/request.ts'

const tryLogin = (app: TestApp, email: string, typed = password, headers = {}): Promise<Reply> =>
  app.request('POST', '/api/v1/auth/login', { body: { email, password: typed }, headers })

const me = (app: TestApp, { accessToken }: Account) => app.request('GET', '/api/v1/auth/me', { token: accessToken })

const storedHash = async (app: TestApp, { id }: Account) => {
  const [row] = await app.sql('select password_hash from users where id = $1', [id])
  return String(row?.password_hash)
}

/** What a refusal says, apart from the id of its request. */
const wording = ({ status, body, headers }: Reply) => [
  status,
  body.error,
  headers.get('www-authenticate'),
  headers.get('content-length'),
]

describe.each(adapters)('auth.login and auth.me on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  it('begins another session with every sign-in', async () => {
    const first = await register(app)
    const reply = await tryLogin(app, first.email)
    expect(reply.status).toBe(200)
    expect(Object.keys(reply.body.data)).toEqual(['user', 'tokens'])
    expect(reply.body.data.user.id).toBe(first.id)
    const rows = await app.sql('select id from sessions where user_id = $1', [first.id])
    expect(rows).toHaveLength(2)
    expect((await me(app, first)).status).toBe(200)
  })

  it('says what the person is, as auth.me does', async () => {
    for (const [enrol, role] of [
      [register, 'user'],
      [registerAdmin, 'admin'],
    ] as const) {
      const account = await enrol(app)
      const { user } = (await tryLogin(app, account.email)).body.data
      expect([user.role, user]).toEqual([role, (await me(app, account)).body.data])
    }
  })

  it('answers a wrong password and an unknown e-mail alike', async () => {
    const account = await register(app)
    const wrong = await tryLogin(app, account.email, 'not the password')
    const unknown = await tryLogin(app, `${randomUUID()}@example.org`)
    expect([wrong.status, wrong.body.error.code]).toEqual([401, 'user.invalid_credentials'])
    expect(wording(unknown)).toEqual(wording(wrong))
  })

  it('answers a disabled account as a wrong password, also for the right one, and makes no session', async () => {
    const account = await register(app)
    const wrong = await tryLogin(app, account.email, 'not the password')
    await app.sql('update users set disabled_at = now() where id = $1', [account.id])
    expect(wording(await tryLogin(app, account.email))).toEqual(wording(wrong))
    expect(await app.sql('select id from sessions where user_id = $1', [account.id])).toHaveLength(1)
  })

  it('stops the tokens of an account that is disabled, and takes them again when it is not', async () => {
    const account = await register(app)
    const refresh = (token: string) => app.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: token } })
    await app.sql('update users set disabled_at = now() where id = $1', [account.id])
    expect((await me(app, account)).body.error.code).toBe('auth.invalid')
    expect((await refresh(account.refreshToken)).body.error.code).toBe('auth.invalid')
    await app.sql('update users set disabled_at = null where id = $1', [account.id])
    expect((await me(app, account)).status).toBe(200)
    expect((await refresh(account.refreshToken)).status).toBe(200)
  })

  it('tells a wrong guess no rule about passwords', async () => {
    const account = await register(app)
    expect((await tryLogin(app, account.email, 'x')).body.error.code).toBe('user.invalid_credentials')
  })

  it('replaces a hash of other costs by one of those in force, and only when the password was right', async () => {
    const account = await register(app)
    const other = await createPasswordHasher({
      memoryKib: 512,
      iterations: 2,
      parallelism: 1,
      concurrency: 1,
      queueLength: 1,
    })
    const older = await other.hash(password)
    await other.close()
    await app.sql('update users set password_hash = $2 where id = $1', [account.id, older])
    await tryLogin(app, account.email, 'not the password')
    expect(await storedHash(app, account)).toBe(older)
    expect((await tryLogin(app, account.email)).status).toBe(200)
    const renewed = await storedHash(app, account)
    expect(renewed).toMatch(/^\$argon2id\$v=19\$m=256,t=1,p=1\$/)
    expect((await tryLogin(app, account.email)).status).toBe(200)
    expect(await storedHash(app, account)).toBe(renewed)
  })

  it('remembers device and address of a session', async () => {
    const account = await register(app)
    await tryLogin(app, account.email, password, { 'user-agent': `agent/${'x'.repeat(600)}` })
    const rows = await app.sql('select user_agent, ip from sessions where user_id = $1 order by id desc', [account.id])
    expect(rows[0]).toEqual({ user_agent: `agent/${'x'.repeat(506)}`, ip: '127.0.0.1' })
  })

  it('me answers what is stored now, not when the token was issued', async () => {
    const account = await register(app)
    await app.sql(`update users set name = 'Grace' where id = $1`, [account.id])
    const { body } = await me(app, account)
    expect(Object.keys(body.data).sort()).toEqual(['created_at', 'email', 'id', 'name', 'role', 'updated_at'])
    expect(body.data).toMatchObject({ id: account.id, email: account.email, name: 'Grace', role: 'user' })
  })
})

/** One hash at a time, none may wait, and each takes long: while one runs, whoever wants another is answered 503. */
const oneSlowHash = {
  HASH_CONCURRENCY: '1',
  HASH_QUEUE_LENGTH: '0',
  ARGON2_MEMORY_KIB: '262144',
  ARGON2_ITERATIONS: '6',
}

describe.each(adapters)('hashing on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter, environment: oneSlowHash })
  })
  afterAll(() => app.close())

  /** Two sign-ins at once: the one that is refused says that the other holds the only turn. */
  const takeTheTurn = async (email: string) => {
    const both = [tryLogin(app, email), tryLogin(app, email)]
    return { refused: await Promise.race(both), both: Promise.all(both) }
  }

  it('is asked for by an unknown e-mail as by a known one, so that time does not tell them apart', async () => {
    const { email } = await register(app)
    const { refused, both } = await takeTheTurn(email)
    const unknown = await tryLogin(app, `${randomUUID()}@example.org`)
    expect([refused.status, refused.body.error.code]).toEqual([503, 'overloaded'])
    expect([unknown.status, unknown.body.error.code]).toEqual([503, 'overloaded'])
    expect(Number(unknown.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect((await both).map(({ status }) => status).sort()).toEqual([200, 503])
  })

  it('is not asked for by a password that no account can have', async () => {
    const { both } = await takeTheTurn('somebody@example.org')
    const body = { email: `${randomUUID()}@example.org`, password, name: 'Ada' }
    const huge = { ...body, password: 'x'.repeat(1_000_000) }
    const refused = await app.request('POST', '/api/v1/auth/register', { body: huge })
    const fitting = await app.request('POST', '/api/v1/auth/register', { body })
    expect([refused.status, refused.body.error.meta.fields]).toEqual([400, { password: 'must be at most 128' }])
    expect(fitting.body.error.code).toBe('overloaded')
    expect((await both).map(({ status }) => status).sort()).toEqual([401, 503])
  })
})

describe.each(adapters)('auth.changePassword on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  const change = ({ accessToken }: Account, current: string, next: string, headers = {}) =>
    app.request('POST', '/api/v1/auth/password', {
      token: accessToken,
      body: { current_password: current, new_password: next },
      headers,
    })

  it('answers 204, keeps this session, ends the others with their refresh tokens', async () => {
    const here = await register(app)
    const there = await login(app, here.email)
    const reply = await change(here, password, 'a new password')
    expect([reply.status, reply.text]).toEqual([204, ''])
    expect((await me(app, here)).status).toBe(200)
    expect((await me(app, there)).body.error.code).toBe('auth.invalid')
    const refreshed = await app.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: there.refreshToken } })
    expect(refreshed.body.error.code).toBe('auth.invalid')
    expect((await tryLogin(app, here.email)).status).toBe(401)
    expect((await tryLogin(app, here.email, 'a new password')).status).toBe(200)
  })

  it.each([
    ['its password changes', "password_hash = 'another'"],
    ['it is disabled', 'disabled_at = now()'],
  ])('lets nobody sign in to an account while %s', async (_name, change) => {
    const { id, email } = await register(app)
    const commit = await app.hold(`update users set ${change} where id = $1`, [id])
    const signingIn = app.request('POST', '/api/v1/auth/login', { body: { email, password } })
    await app.untilBlocked(1)
    await commit()
    const reply = await signingIn
    expect([reply.status, reply.body.error.code]).toEqual([401, 'user.invalid_credentials'])
  })

  it('leaves everything as it was when the current password is wrong', async () => {
    const here = await register(app)
    const there = await login(app, here.email)
    const reply = await change(here, 'not the password', 'a new password')
    expect([reply.status, reply.body.error.code]).toEqual([401, 'user.invalid_credentials'])
    expect((await me(app, there)).status).toBe(200)
    expect((await tryLogin(app, here.email)).status).toBe(200)
  })

  it('holds the new password to the rules', async () => {
    const reply = await change(await register(app), password, '1234567')
    expect([reply.status, reply.body.error.meta.fields]).toEqual([400, { new_password: 'must be at least 8' }])
  })

  it('lets one of two changes at once win', async () => {
    const account = await register(app)
    const nexts = ['the first new one', 'the second new one']
    const replies = await Promise.all(nexts.map((next) => change(account, password, next)))
    expect(replies.map(({ status }) => status).sort()).toEqual([204, 401])
    const works = await Promise.all(nexts.map((next) => tryLogin(app, account.email, next)))
    expect(works.map(({ status }) => status)).toEqual(replies.map(({ status }) => (status === 204 ? 200 : 401)))
  })

  it('is answered again for the same Idempotency-Key, though the password it names is the old one by then', async () => {
    const account = await register(app)
    const headers = { 'idempotency-key': randomUUID() }
    await change(account, password, 'a new password', headers)
    const again = await change(account, password, 'a new password', headers)
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([204, 'true'])
  })
})
