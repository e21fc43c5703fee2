import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, login, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'

describe.each(adapters)('auth.refresh and auth.logout on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  const refresh = (token: string) => app.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: token } })
  const logout = (token: string) => app.request('POST', '/api/v1/auth/logout', { token })
  const codeOfMe = async (token: string) => {
    const reply = await app.request('GET', '/api/v1/auth/me', { token })
    return reply.status === 200 ? 200 : reply.body.error.code
  }
  const liveSessions = async ({ id }: Account) =>
    (await app.sql('select id from sessions where user_id = $1 and revoked_at is null', [id])).length

  it('exchanges a refresh token for a new pair, flat in data', async () => {
    const account = await register(app)
    const reply = await refresh(account.refreshToken)
    expect(reply.status).toBe(200)
    expect(Object.keys(reply.body.data)).toEqual(['access_token', 'refresh_token', 'token_type', 'expires_at'])
    expect(reply.body.data.refresh_token).not.toBe(account.refreshToken)
    expect(await codeOfMe(reply.body.data.access_token)).toBe(200)
    expect(await liveSessions(account)).toBe(1)
  })

  it('goes on as long as each token is used once, and keeps the session', async () => {
    const account = await register(app)
    let token = account.refreshToken
    for (let round = 0; round < 5; round += 1) token = (await refresh(token)).body.data.refresh_token
    expect((await refresh(token)).status).toBe(200)
    // The session still stands, so an access token from before its refreshes does too.
    expect(await codeOfMe(account.accessToken)).toBe(200)
  })

  it('ends a session whose refresh token is used twice, and no other', async () => {
    const here = await register(app)
    const there = await login(app, here.email)
    const next = (await refresh(here.refreshToken)).body.data
    const reused = await refresh(here.refreshToken)
    expect([reused.status, reused.body.error.code]).toEqual([401, 'auth.token_reused'])
    expect(await codeOfMe(here.accessToken)).toBe('auth.invalid')
    expect(await codeOfMe(next.access_token)).toBe('auth.invalid')
    expect((await refresh(next.refresh_token)).body.error.code).toBe('auth.invalid')
    expect(await codeOfMe(there.accessToken)).toBe(200)
    expect((await refresh(there.refreshToken)).status).toBe(200)
  })

  it('says nothing more of a reused token once its session is over', async () => {
    const { refreshToken } = await register(app)
    await refresh(refreshToken)
    await refresh(refreshToken)
    expect((await refresh(refreshToken)).body.error.code).toBe('auth.invalid')
  })

  it('leaves one live chain or none after twenty refreshes of one token at once', async () => {
    const account = await register(app)
    const replies = await Promise.all(Array.from({ length: 20 }, () => refresh(account.refreshToken)))
    const codes = replies.map(({ status, body }) => (status === 200 ? 200 : body.error.code))
    expect(codes.filter((code) => code === 200)).toHaveLength(1)
    expect(codes.every((code) => [200, 'auth.token_reused', 'auth.invalid'].includes(code))).toBe(true)
    const [issued] = replies.filter(({ status }) => status === 200)
    const living = (await refresh(issued?.body.data.refresh_token)).status === 200 ? 1 : 0
    expect(await liveSessions(account)).toBe(living)
    const unused = await app.sql(
      `select count(*)::int as count from refresh_tokens t join sessions s on s.id = t.session_id
       where s.user_id = $1 and t.used_at is null and s.revoked_at is null`,
      [account.id],
    )
    expect(unused[0]?.count).toBe(living)
  })

  it('refuses an expired refresh token, and one of an expired session', async () => {
    const account = await register(app)
    await app.sql(
      `update refresh_tokens set expires_at = now() - interval '1 second'
       where session_id in (select id from sessions where user_id = $1)`,
      [account.id],
    )
    expect((await refresh(account.refreshToken)).body.error.code).toBe('auth.invalid')
    const other = await register(app)
    await app.sql(`update sessions set expires_at = now() - interval '1 second' where user_id = $1`, [other.id])
    expect((await refresh(other.refreshToken)).body.error.code).toBe('auth.invalid')
    expect(await codeOfMe(other.accessToken)).toBe('auth.invalid')
  })

  it('prolongs the session to the end of its newest refresh token', async () => {
    const account = await register(app)
    await app.sql(`update sessions set expires_at = now() + interval '1 minute' where user_id = $1`, [account.id])
    await refresh(account.refreshToken)
    const [row] = await app.sql(
      `select s.expires_at = t.expires_at as same, s.expires_at > now() + interval '6 days' as prolonged
       from sessions s join refresh_tokens t on t.session_id = s.id where s.user_id = $1 and t.used_at is null`,
      [account.id],
    )
    expect(row).toEqual({ same: true, prolonged: true })
  })

  it.each([
    ['garbage', 'garbage'],
    ['one of the right form that was never issued', `tr_${'x'.repeat(43)}`],
    ['one that was cut', 'cut'],
    ['an access token', 'access'],
  ])('refuses %s and harms no session', async (_name, kind) => {
    const account = await register(app)
    const sent: Record<string, string> = { cut: account.refreshToken.slice(0, -1), access: account.accessToken }
    const reply = await refresh(sent[kind] ?? kind)
    expect([reply.status, reply.body.error.code]).toEqual([401, 'auth.invalid'])
    expect((await refresh(account.refreshToken)).status).toBe(200)
  })

  it('refuses a refresh token where an access token is due', async () => {
    const account = await register(app)
    expect(await codeOfMe(account.refreshToken)).toBe('auth.invalid')
  })

  it('logs out with 204: this session with both its tokens, and no other', async () => {
    const here = await register(app)
    const there = await login(app, here.email)
    const reply = await logout(here.accessToken)
    expect([reply.status, reply.text, reply.headers.get('content-type')]).toEqual([204, '', null])
    expect(await codeOfMe(here.accessToken)).toBe('auth.invalid')
    expect((await logout(here.accessToken)).body.error.code).toBe('auth.invalid')
    expect((await refresh(here.refreshToken)).body.error.code).toBe('auth.invalid')
    expect(await codeOfMe(there.accessToken)).toBe(200)
    expect((await refresh(there.refreshToken)).status).toBe(200)
  })

  it('does not take the old refresh token of a logged-out device for theft', async () => {
    const here = await register(app)
    const there = await login(app, here.email)
    const next = (await refresh(here.refreshToken)).body.data
    await logout(next.access_token)
    expect((await refresh(here.refreshToken)).body.error.code).toBe('auth.invalid')
    expect(await codeOfMe(there.accessToken)).toBe(200)
  })
})
