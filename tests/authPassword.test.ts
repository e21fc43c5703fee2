import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, login, password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'

const next = 'another correct horse'

describe.each(adapters)('auth.changePassword on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  const change = ({ accessToken }: Account, current: string, wanted: string, headers = {}) =>
    app.request('POST', '/api/v1/auth/password', {
      token: accessToken,
      body: { current_password: current, new_password: wanted },
      headers,
    })
  const statusOfLogin = async ({ email }: Account, secret: string) =>
    (await app.request('POST', '/api/v1/auth/login', { body: { email, password: secret } })).status
  const statusOfMe = async ({ accessToken }: Account) =>
    (await app.request('GET', '/api/v1/auth/me', { token: accessToken })).status

  it('takes the new password in place of the old one', async () => {
    const account = await register(app)
    expect((await change(account, password, next)).status).toBe(204)
    expect(await statusOfLogin(account, password)).toBe(401)
    expect(await statusOfLogin(account, next)).toBe(200)
  })

  it('ends all other sessions and keeps this one', async () => {
    const here = await register(app)
    const there = await login(app, here.email)
    await change(here, password, next)
    expect([await statusOfMe(here), await statusOfMe(there)]).toEqual([200, 401])
    const refreshed = await app.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: there.refreshToken } })
    expect(refreshed.body.error.code).toBe('auth.invalid')
  })

  it('asks for the current password, and changes nothing without it', async () => {
    const account = await register(app)
    const there = await login(app, account.email)
    const refused = await change(account, 'not my password', next)
    expect([refused.status, refused.body.error.code]).toEqual([401, 'user.invalid_credentials'])
    expect([await statusOfMe(there), await statusOfLogin(account, password)]).toEqual([200, 200])
  })

  it('refuses a new password that is too short or too long, by its code points', async () => {
    const account = await register(app)
    for (const [wanted, reason] of [
      ['1234567', 'must be at least 8'],
      ['😀'.repeat(129), 'must be at most 128'],
    ] as const) {
      const reply = await change(account, password, wanted)
      expect([reply.status, reply.body.error.meta.fields]).toEqual([400, { new_password: reason }])
    }
    expect((await change(account, password, '😀'.repeat(128))).status).toBe(204)
  })

  it('lets one of two changes at once win', async () => {
    const account = await register(app)
    const replies = await Promise.all([change(account, password, `${next} 1`), change(account, password, `${next} 2`)])
    expect(replies.map(({ status }) => status).sort()).toEqual([204, 401])
    const won = replies[0]?.status === 204 ? 1 : 2
    expect([
      await statusOfLogin(account, `${next} ${won}`),
      await statusOfLogin(account, `${next} ${3 - won}`),
    ]).toEqual([200, 401])
  })
})
