import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { password } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import type { Reply } from './support/request.ts'

const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

describe.each(adapters)('auth.register on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  const register = (body: object): Promise<Reply> => app.request('POST', '/api/v1/auth/register', { body })
  const login = (email: string, typed: string) =>
    app.request('POST', '/api/v1/auth/login', { body: { email, password: typed } })
  const address = () => `${randomUUID()}@example.org`
  const usersNamed = async (email: string) => (await app.sql('select id from users where email = $1', [email])).length

  it('answers 201 with the user and a pair of tokens, and nothing else', async () => {
    const email = address()
    const askedAt = Date.now()
    const reply = await register({ email, password, name: 'Ada' })
    expect(reply.status).toBe(201)
    expect(reply.body.success).toBe(true)
    expect(reply.body.request_id).toBe(reply.headers.get('x-request-id'))
    expect(reply.body.data).toEqual({
      user: {
        id: expect.stringMatching(uuidv7),
        email,
        name: 'Ada',
        role: 'user',
        created_at: expect.stringMatching(instant),
        updated_at: expect.stringMatching(instant),
      },
      tokens: {
        access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        refresh_token: expect.stringMatching(/^tr_[\w-]{43}$/),
        token_type: 'Bearer',
        expires_at: expect.stringMatching(instant),
      },
    })
    const livesMs = Date.parse(reply.body.data.tokens.expires_at) - askedAt
    expect(livesMs).toBeGreaterThan(898_000)
    expect(livesMs).toBeLessThan(960_000)
  })

  it('signs the new account in: its access token works', async () => {
    const { body } = await register({ email: address(), password, name: 'Ada' })
    const me = await app.request('GET', '/api/v1/auth/me', { token: body.data.tokens.access_token })
    expect([me.status, me.body.data]).toEqual([200, body.data.user])
  })

  it('puts the e-mail in lower case and drops the spaces around it before it is judged', async () => {
    const email = address()
    const reply = await register({ email: `  ${email.toUpperCase()} `, password, name: 'Ada' })
    expect([reply.status, reply.body.data.user.email]).toEqual([201, email])
    expect((await login(` ${email.toUpperCase()}  `, password)).status).toBe(200)
  })

  it('takes an e-mail of 254 characters and refuses one of 255', async () => {
    const domain = `${'d'.repeat(60)}.${'d'.repeat(60)}.example.org`
    const local = (length: number) =>
      randomUUID()
        .replaceAll('-', '')
        .padEnd(length - domain.length - 1, 'x')
    expect((await register({ email: `${local(254)}@${domain}`, password, name: 'Ada' })).status).toBe(201)
    const reply = await register({ email: `${local(255)}@${domain}`, password, name: 'Ada' })
    expect([reply.status, reply.body.error.meta.fields]).toEqual([400, { email: 'must be at most 254' }])
  })

  it('drops the white space around a name and refuses one that is nothing else', async () => {
    const reply = await register({ email: address(), password, name: '  Ada Lovelace\n' })
    expect([reply.status, reply.body.data.user.name]).toEqual([201, 'Ada Lovelace'])
    const blank = await register({ email: address(), password, name: ' \t\n ' })
    expect([blank.status, blank.body.error.code]).toEqual([400, 'validation'])
    expect(blank.body.error.meta.fields).toEqual({ name: 'is required' })
  })

  it('names every field that is wrong at once', async () => {
    const reply = await register({ email: 'nobody', password: 'short', name: 'x'.repeat(121) })
    expect([reply.status, reply.body.error.code]).toEqual([400, 'validation'])
    expect(reply.body.error.meta.fields).toEqual({
      email: 'must be a valid email',
      password: 'must be at least 8',
      name: 'must be at most 120',
    })
  })

  it('answers 409 for an e-mail that has an account, in whatever case, and leaves that account alone', async () => {
    const email = address()
    await register({ email, password, name: 'Ada' })
    const reply = await register({ email: email.toUpperCase(), password: 'another password', name: 'Eve' })
    expect([reply.status, reply.body.error.code]).toEqual([409, 'user.email_taken'])
    expect((await login(email, password)).body.data.user.name).toBe('Ada')
  })

  it('lets exactly one of ten registrations of an e-mail at once win', async () => {
    const email = address()
    const replies = await Promise.all(Array.from({ length: 10 }, () => register({ email, password, name: 'Ada' })))
    expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)])
    expect(replies.filter(({ status }) => status === 409).map(({ body }) => body.error.code)).toEqual(
      Array(9).fill('user.email_taken'),
    )
    expect(await usersNamed(email)).toBe(1)
  })

  it('leaves no account behind when its session cannot be made', async () => {
    const email = address()
    await app.sql(`
      create function refuse_row() returns trigger language plpgsql as $$ begin raise 'no more rows'; end $$;
      create trigger refuse_row before insert on sessions for each row execute function refuse_row()`)
    try {
      const reply = await register({ email, password, name: 'Ada' })
      expect([reply.status, reply.body.error]).toEqual([
        500,
        { code: 'internal', message: 'Something went wrong on our side.' },
      ])
      expect(await usersNamed(email)).toBe(0)
    } finally {
      await app.sql('drop function refuse_row cascade')
    }
    expect((await register({ email, password, name: 'Ada' })).status).toBe(201)
  })

  it('keeps no password and no token in the database', async () => {
    const email = address()
    const typed = `seen-${randomUUID()}`
    const { body } = await register({ email, password: typed, name: 'Ada' })
    const dump = await app.sql(`
      select concat((select json_agg(u) from users u), (select json_agg(s) from sessions s),
        (select string_agg(encode(token_hash, 'escape'), ' ') from refresh_tokens)) as text`)
    const text = String(dump[0]?.text)
    expect(text).toContain(email)
    for (const secret of [typed, body.data.tokens.access_token, body.data.tokens.refresh_token]) {
      expect(text).not.toContain(secret)
    }
    expect(text).toContain('$argon2id$v=19$m=256,t=1,p=1$')
  })

  describe('passwords', () => {
    it.each([
      ['8 letters', 'x'.repeat(8)],
      ['128 letters', 'x'.repeat(128)],
      ['8 emoji, each counted once', '🔑'.repeat(8)],
      ['128 emoji, 512 bytes', '🔑'.repeat(128)],
      ['white space at both ends', '  eight!  '],
    ])('takes %s, and signs in with it', async (_name, typed) => {
      const email = address()
      expect((await register({ email, password: typed, name: 'Ada' })).status).toBe(201)
      expect((await login(email, typed)).status).toBe(200)
      expect((await login(email, [...typed].slice(1).join(''))).status).toBe(401)
    })

    it.each([
      ['7 letters', 'x'.repeat(7), 'must be at least 8'],
      ['7 emoji, 14 UTF-16 units', '🔑'.repeat(7), 'must be at least 8'],
      ['129 letters', 'x'.repeat(129), 'must be at most 128'],
      ['129 emoji', '🔑'.repeat(129), 'must be at most 128'],
      ['none', '', 'must be at least 8'],
    ])('refuses %s', async (_name, typed, sentence) => {
      const reply = await register({ email: address(), password: typed, name: 'Ada' })
      expect([reply.status, reply.body.error.meta.fields]).toEqual([400, { password: sentence }])
    })

    it('counts every byte: two that agree in the first 72 are different passwords', async () => {
      const email = address()
      const shared = 'x'.repeat(72)
      await register({ email, password: `${shared}-mine`, name: 'Ada' })
      expect((await login(email, `${shared}-your`)).status).toBe(401)
      expect((await login(email, shared)).status).toBe(401)
      expect((await login(email, `${shared}-mine`)).status).toBe(200)
    })

    it('takes what was typed as it is: no trimming, no folding of Unicode', async () => {
      const email = address()
      await register({ email, password: ' pässword ', name: 'Ada' })
      expect((await login(email, 'pässword')).status).toBe(401)
      expect((await login(email, ' pässword '.normalize('NFD'))).status).toBe(401)
      expect((await login(email, ' pässword ')).status).toBe(200)
    })
  })
})
