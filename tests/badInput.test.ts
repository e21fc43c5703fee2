import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { mutate } from './support/trpcCall.ts'

interface Outcome {
  readonly status: number
  readonly code: string | undefined
  readonly fields: unknown
  readonly data: { readonly user: { readonly name: string; readonly email: string } } | undefined
}

/** auth.register with a body as it is given, over either transport. */
const transports = {
  async rest(app: TestApp, body: unknown): Promise<Outcome> {
    const reply = await app.request('POST', '/api/v1/auth/register', { body })
    const { error, data } = reply.body
    return { status: reply.status, code: error?.code, fields: error?.meta?.fields, data }
  },
  async trpc(app: TestApp, body: unknown): Promise<Outcome> {
    const { status, body: answer } = await mutate(app, 'auth.register', body)
    const failure = answer.error?.data.failure
    return { status, code: failure?.code, fields: failure?.meta?.fields, data: answer.result?.data }
  },
}

const address = () => `${randomUUID()}@example.org`
const input = (change: object = {}) => ({ email: address(), password, name: 'Ada', ...change })
/** The input as JSON text, with more text before its end. */
const jsonWith = (more: string, change: object = {}) => `${JSON.stringify(input(change)).slice(0, -1)}${more}}`
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

describe.each(adapters)('bad input on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  describe.each(['rest', 'trpc'] as const)('over %s', (transport) => {
    const send = (body: unknown) => transports[transport](app, body)

    it.each([
      ['cut off', '{"email":"a@example.org"'],
      ['no JSON at all', 'email=a@example.org'],
      ['a comma too many', '{"name":"Ada",}'],
      ['single quotes', `{'name':'Ada'}`],
      ['a comment', '{"name":"Ada"/**/}'],
      ['two values', '{}{}'],
      ['NaN', '{"name":NaN}'],
      ['a byte order mark', '\ufeff{}'],
      ['a control character in a text', '{"name":"\u0001"}'],
      ['an array', '[]'],
      ['an array that holds the input', JSON.stringify([input()])],
      ['null', 'null'],
      ['a number', '7'],
      ['a text', '"Ada"'],
      ['nothing', ''],
      ['white space only', ' \n '],
    ])('%s is request.malformed', async (_name, body) => {
      expect(await send(body)).toMatchObject({ status: 400, code: 'request.malformed', fields: undefined })
    })

    it.each([
      ['a byte that is none', [0xff]],
      ['an overlong slash', [0xc0, 0xaf]],
      ['a surrogate', [0xed, 0xa0, 0x80]],
      ['a character cut short', [0xe2, 0x82]],
    ])('UTF-8 with %s is request.malformed', async (_name, bytes) => {
      const [before = '', after = ''] = JSON.stringify(input({ name: 'HERE' })).split('HERE')
      const body = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
      expect(await send(body)).toMatchObject({ status: 400, code: 'request.malformed' })
    })

    it('a wrong type is named, field by field, never its value', async () => {
      const outcome = await send({ email: 7, password: ['x'.repeat(8)], name: { first: 'Ada' } })
      expect(outcome).toMatchObject({ status: 400, code: 'validation' })
      expect(outcome.fields).toEqual({
        email: 'must be a string',
        password: 'must be a string',
        name: 'must be a string',
      })
      expect((await send({ email: true, password: 1.5, name: null })).fields).toEqual(outcome.fields)
    })

    it('a missing field is named', async () => {
      expect(await send({ password })).toMatchObject({
        status: 400,
        code: 'validation',
        fields: { email: 'is required', name: 'is required' },
      })
    })

    it('an unknown field is dropped', async () => {
      const outcome = await send(input({ role: 'admin', id: 'x', disabled_at: 'now', password_hash: 'x' }))
      expect(outcome).toMatchObject({ status: 201 - (transport === 'trpc' ? 1 : 0), data: { user: { role: 'user' } } })
    })

    it('of a repeated key the last one counts', async () => {
      const outcome = await send(jsonWith(',"name":"Grace"'))
      expect(outcome.data?.user.name).toBe('Grace')
      expect(await send(jsonWith(',"name":7'))).toMatchObject({ status: 400, fields: { name: 'must be a string' } })
    })

    it.each(['__proto__', 'constructor', 'prototype'])(
      'a key %s changes no prototype and gives no field',
      async (key) => {
        const outcome = await send(jsonWith(`,"${key}":{"name":"Eve","polluted":true}`))
        expect(outcome.data?.user.name).toBe('Ada')
        expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
        const inherited = await send(`{"${key}":${JSON.stringify(input())}}`)
        expect(inherited.fields).toEqual({ email: 'is required', password: 'is required', name: 'is required' })
      },
    )

    it('nesting of 63 is read, of 64 and of 100,000 refused', async () => {
      expect((await send(jsonWith(`,"deep":${nested(62)}`))).status).toBeLessThan(300)
      expect(await send(jsonWith(`,"deep":${nested(64)}`))).toMatchObject({ status: 400, code: 'request.malformed' })
      expect(await send(jsonWith(`,"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}`))).toMatchObject({
        status: 400,
        code: 'request.malformed',
      })
      expect(await send(`${'['.repeat(500_000)}`)).toMatchObject({ status: 400, code: 'request.malformed' })
    })

    it('a body of 2 MiB is 413, one just below the cap is read', async () => {
      expect(await send(JSON.stringify(input({ name: 'x'.repeat(2 * 1024 * 1024) })))).toMatchObject({
        status: 413,
        code: 'request.too_large',
      })
      const fits = JSON.stringify(input({ padding: '' }))
      const padded = jsonWith(`,"padding":"${'x'.repeat(1_048_576 - fits.length)}"`)
      expect(Buffer.byteLength(padded)).toBe(1_048_576)
      expect((await send(padded)).status).toBeLessThan(300)
      expect((await send(`${padded} `)).code).toBe('request.too_large')
    })

    it.each([
      ['NUL', '\\u0000'],
      ['a lone high surrogate', '\\ud800'],
      ['a lone low surrogate', '\\udc00x'],
      ['surrogates the wrong way round', '\\udc00\\ud800'],
    ])('%s in a text is a field that is wrong, in a name as in a password', async (_name, escaped) => {
      const sentence = 'must not contain NUL or broken characters'
      for (const field of ['name', 'email', 'password']) {
        const body = JSON.stringify(input({ [field]: 'HERE-and-more' })).replace('HERE', escaped)
        expect(await send(body)).toMatchObject({ status: 400, code: 'validation', fields: { [field]: sentence } })
      }
    })

    it('NUL in the name of a field is refused, and in a text deep inside what would be dropped', async () => {
      expect(await send(jsonWith(',"a\\u0000b":1'))).toMatchObject({ status: 400, code: 'validation' })
      expect(await send(jsonWith(',"list":[{"text":"\\u0000"}]'))).toMatchObject({
        status: 400,
        fields: { 'list[0].text': 'must not contain NUL or broken characters' },
      })
    })

    it.each([
      ['CR', 'ada\r@example.org'],
      ['LF', 'ada@example.org\n'],
      ['CRLF and a header', 'ada@example.org\r\nBcc: eve@example.org'],
      ['a tab', '\tada@example.org'],
      ['a no-break space', '\u00a0ada@example.org'],
      ['a space inside', 'ada @example.org'],
      ['two at signs', 'ada@eve@example.org'],
      ['no domain', 'ada@'],
      ['a letter that lower-cases to two', 'İ@example.org'],
    ])('an e-mail with %s is no e-mail', async (_name, email) => {
      expect(await send(input({ email }))).toMatchObject({
        status: 400,
        code: 'validation',
        fields: { email: 'must be a valid email' },
      })
    })

    it('an e-mail of a million spaces holds nobody up', async () => {
      const email = `ada${' '.repeat(1_000_000)}@example.org`
      expect((await send(input({ email }))).fields).toEqual({ email: 'must be a valid email' })
    })

    it('a password of nearly 1 MiB is too long', async () => {
      expect(await send(input({ password: 'x'.repeat(1_040_000) }))).toMatchObject({
        status: 400,
        fields: { password: 'must be at most 128' },
      })
    })

    it('text of every script and emoji is kept as it was sent', async () => {
      for (const name of [
        'Ådä Ωμέγα',
        '李小龍',
        'أدا',
        '👩‍👩‍👧‍👦🇺🇳',
        'e\u0301',
        `Robert'); DROP TABLE users;--`,
        '"\\/\b',
      ]) {
        expect((await send(input({ name }))).data?.user.name).toBe(name.trim())
      }
    })
  })

  it.each([
    ['bad percent-encoding', '%', 'request.malformed'],
    ['half a percent-encoding', '%4', 'request.malformed'],
    ['percent-encoding of no UTF-8', '%ff', 'request.malformed'],
    ['an encoded surrogate', '%ED%A0%80', 'request.malformed'],
    ['NUL', '%00', 'validation'],
    ['a slash', 'a%2Fb', 'validation'],
    ['dot segments', '%2e%2e%2fadmin', 'validation'],
  ])('%s in a path parameter is a 400', async (_name, text, code) => {
    const { accessToken } = await register(app)
    const reply = await app.request('DELETE', `/api/v1/me/sessions/${text}`, { token: accessToken })
    expect([reply.status, reply.body.error.code]).toEqual([400, code])
  })

  it('bad percent-encoding in a query is a value like any other', async () => {
    const { accessToken } = await register(app)
    const reply = await app.request('GET', '/api/v1/me/sessions?limit=%&%zz=%', { token: accessToken })
    expect([reply.status, reply.body.error.code]).toEqual([400, 'validation'])
  })

  it('a query parameter given twice is the last one, and never a list where none is due', async () => {
    const { accessToken } = await register(app)
    const ask = (query: string) => app.request('GET', `/api/v1/me/sessions?${query}`, { token: accessToken })
    expect((await ask('limit=ten&limit=5')).status).toBe(200)
    expect((await ask('limit=5&limit=ten')).status).toBe(400)
    expect((await ask('limit[]=5&limit[$gt]=1')).status).toBe(200)
  })

  it('an entry that takes nothing ignores a body of JSON, and still refuses what is none', async () => {
    const logout = async (body: string) => {
      const { accessToken } = await register(app)
      const reply = await app.request('POST', '/api/v1/auth/logout', { token: accessToken, body })
      return reply.status === 204 ? 204 : reply.body.error.code
    }
    expect(await logout('{"anything":[1]}')).toBe(204)
    expect(await logout('{')).toBe('request.malformed')
  })
})
