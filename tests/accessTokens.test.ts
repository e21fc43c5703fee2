import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, type JWTHeaderParameters, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { name } from '../server/version.ts'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { kidOf } from './support/forgedTokens.ts'

const secret = 'the signing secret of this test, 32 bytes or more'
const otherSecret = 'another signing secret of 32 bytes or more'

/** A token as the server would issue it, with parts of it changed. */
const forge = (
  token: string,
  change: { header?: object; claims?: Record<string, unknown>; key?: string | KeyObject } = {},
) => {
  const { key = secret } = change
  const header = { ...decodeProtectedHeader(token), ...change.header } as JWTHeaderParameters
  return new SignJWT({ ...decodeJwt(token), ...change.claims })
    .setProtectedHeader(header)
    .sign(typeof key === 'string' ? Buffer.from(key) : key)
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

const me = (app: TestApp, token: string) => app.request('GET', '/api/v1/auth/me', { token })

describe.each(adapters)('access tokens on %s', (adapter) => {
  let app: TestApp
  let account: Account
  beforeAll(async () => {
    app = await startApp({ adapter, environment: { JWT_SECRET: secret } })
    account = await register(app)
  })
  afterEach(() => app.setTime(null))
  afterAll(() => app.close())

  const expectInvalid = async (token: string) => {
    const reply = await me(app, token)
    expect([reply.status, reply.body.error]).toEqual([
      401,
      { code: 'auth.invalid', message: 'The token is not valid, or no longer is.' },
    ])
  }

  it('say what they are: algorithm, key, kind, issuer, audience, person and session, and no more', () => {
    const token = account.accessToken
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', kid: kidOf(secret), typ: 'at+jwt' })
    const { iat = 0, exp = 0, ...claims } = decodeJwt(token)
    expect(exp - iat).toBe(900)
    expect(claims).toEqual({ iss: name, aud: name, sub: account.id, sid: expect.any(String) })
  })

  it('are accepted when made as the server makes them: the forgeries below differ in one point', async () => {
    expect((await me(app, await forge(account.accessToken, { claims: { extra: 1 } }))).status).toBe(200)
  })

  it.each<[string, Parameters<typeof forge>[1]]>([
    ['of another secret', { key: otherSecret }],
    ['of another issuer', { claims: { iss: 'somebody else' } }],
    ['without an issuer', { claims: { iss: undefined } }],
    ['of another audience', { claims: { aud: 'another service' } }],
    ['without an audience', { claims: { aud: undefined } }],
    ['of another kind', { header: { typ: 'JWT' } }],
    ['of no kind', { header: { typ: undefined } }],
    ['of an unknown key', { header: { kid: 'unknown' } }],
    ['of no key', { header: { kid: undefined } }],
    ['of another algorithm under our key', { header: { alg: 'HS512' }, key: secret.repeat(2) }],
    ['without an end', { claims: { exp: undefined } }],
    ['of the past', { claims: { exp: Math.floor(Date.now() / 1000) - 1 } }],
    ['of the future', { claims: { nbf: Math.floor(Date.now() / 1000) + 3600 } }],
    ['of nobody', { claims: { sub: undefined } }],
    ['of another person', { claims: { sub: '018f6b0e-0000-7000-8000-000000000000' } }],
    ['of no session', { claims: { sid: undefined } }],
    ['of a session that never was', { claims: { sid: '018f6b0e-0000-7000-8000-000000000000' } }],
    ['of a session that is no id', { claims: { sid: 'nonsense' } }],
  ])('%s are refused', async (_name, change) => {
    await expectInvalid(await forge(account.accessToken, change))
  })

  it('without a signature are refused, whatever they say of it', async () => {
    const [, payload] = account.accessToken.split('.')
    for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
      for (const kid of [undefined, kidOf(secret)]) {
        await expectInvalid(`${encoded({ alg, kid, typ: 'at+jwt' })}.${payload}.`)
      }
    }
    await expectInvalid(account.accessToken.slice(0, account.accessToken.lastIndexOf('.') + 1))
  })

  it('tampered with are refused, in whichever part', async () => {
    const [header = '', payload = '', signature = ''] = account.accessToken.split('.')
    const stranger = await register(app)
    await expectInvalid(`${header}.${stranger.accessToken.split('.')[1]}.${signature}`)
    await expectInvalid(`${header}.${encoded({ ...decodeJwt(account.accessToken), exp: 4_102_444_800 })}.${signature}`)
    await expectInvalid(`${encoded({ alg: 'HS256', kid: kidOf(secret), typ: 'at+jwt', x: 1 })}.${payload}.${signature}`)
    await expectInvalid(`${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`)
    expect((await me(app, account.accessToken)).status).toBe(200)
  })

  it.each(['.', '..', 'a.b.c', 'x'.repeat(12_000), `${'e30.'.repeat(4)}e30`])(
    'that are none are refused',
    async (text) => {
      await expectInvalid(text)
    },
  )

  it('expire by the clock of the server, also when they were verified before', async () => {
    const { accessToken } = await register(app)
    const end = (decodeJwt(accessToken).exp ?? 0) * 1000
    app.setTime(new Date(end - 1000))
    expect((await me(app, accessToken)).status).toBe(200)
    app.setTime(new Date(end))
    await expectInvalid(accessToken)
  })

  it('die with their account', async () => {
    const gone = await register(app)
    await app.sql('delete from users where id = $1', [gone.id])
    await expectInvalid(gone.accessToken)
  })

  it.each([
    ['Basic credentials', 'Basic QWRhOnBhc3N3b3Jk'],
    ['a scheme without a token', 'Bearer'],
    ['a token without a scheme', 'TOKEN'],
    ['nothing', ''],
  ])('are asked for when %s come in their place', async (_name, sent) => {
    const authorization = sent.replace('TOKEN', account.accessToken)
    const reply = await app.request('GET', '/api/v1/auth/me', { headers: { authorization } })
    expect([reply.status, reply.body.error.code]).toEqual([401, 'auth.missing_token'])
    expect(reply.headers.get('www-authenticate')).toBe('Bearer')
  })

  it.each(['bearer', 'BEARER', 'Bearer'])('are accepted behind %s', async (scheme) => {
    const headers = { authorization: `${scheme} ${account.accessToken}` }
    expect((await app.request('GET', '/api/v1/auth/me', { headers })).status).toBe(200)
  })

  it('count in the Authorization header only', async () => {
    const { accessToken } = account
    const query = await app.request('GET', `/api/v1/auth/me?access_token=${accessToken}&token=${accessToken}`)
    const cookie = await app.request('GET', '/api/v1/auth/me', { headers: { cookie: `access_token=${accessToken}` } })
    expect([query.status, cookie.status]).toEqual([401, 401])
  })
})

describe.each(adapters)('after a rotation of the signing secret on %s', (adapter) => {
  let app: TestApp
  let account: Account
  beforeAll(async () => {
    app = await startApp({ adapter, environment: { JWT_SECRET: secret, JWT_PREVIOUS_SECRETS: otherSecret } })
    account = await register(app)
  })
  afterAll(() => app.close())

  it('new tokens are signed by the new secret, and older ones still count', async () => {
    expect(decodeProtectedHeader(account.accessToken).kid).toBe(kidOf(secret))
    const older = await forge(account.accessToken, { header: { kid: kidOf(otherSecret) }, key: otherSecret })
    expect((await me(app, older)).status).toBe(200)
  })

  it('a token must be signed by the key it names', async () => {
    const crossed = await forge(account.accessToken, { header: { kid: kidOf(otherSecret) }, key: secret })
    expect((await me(app, crossed)).body.error.code).toBe('auth.invalid')
  })
})

const keyPairs = {
  EdDSA: () => generateKeyPairSync('ed25519'),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
}

const newKey = (algorithm: keyof typeof keyPairs, kid: string) => {
  const { publicKey, privateKey } = keyPairs[algorithm]()
  return { publicKey, privateKey, jwk: { ...privateKey.export({ format: 'jwk' }), kid } }
}

describe.each(adapters)('key pairs on %s', (adapter) => {
  const ed = newKey('EdDSA', 'ed')
  const ec = newKey('ES256', 'ec')
  const start = (...keys: object[]) =>
    startApp({ adapter, environment: { JWT_KEYS: JSON.stringify({ keys }), JWT_PREVIOUS_SECRETS: otherSecret } })

  it.each([
    ['EdDSA', ed, ec],
    ['ES256', ec, ed],
  ] as const)('%s signs when it stands first, and the others verify', async (alg, first, second) => {
    const app = await start(first.jwk, second.jwk)
    try {
      const { accessToken } = await register(app)
      expect(decodeProtectedHeader(accessToken)).toEqual({ alg, kid: first.jwk.kid, typ: 'at+jwt' })
      expect((await me(app, accessToken)).status).toBe(200)
      const header = { alg: alg === 'EdDSA' ? 'ES256' : 'EdDSA', kid: second.jwk.kid }
      expect((await me(app, await forge(accessToken, { header, key: second.privateKey }))).status).toBe(200)
      const older = await forge(accessToken, { header: { alg: 'HS256', kid: kidOf(otherSecret) }, key: otherSecret })
      expect((await me(app, older)).status).toBe(200)
    } finally {
      await app.close()
    }
  })

  it('a public key is never taken for a shared secret', async () => {
    const app = await start(ed.jwk, ec.jwk)
    try {
      const { accessToken } = await register(app)
      const [, payload] = accessToken.split('.')
      for (const { publicKey, jwk } of [ed, ec]) {
        const known = [
          publicKey.export({ format: 'pem', type: 'spki' }),
          publicKey.export({ format: 'der', type: 'spki' }),
          Buffer.from(String(jwk.x), 'base64url'),
          JSON.stringify(publicKey.export({ format: 'jwk' })),
        ]
        for (const key of known) {
          const head = `${encoded({ alg: 'HS256', kid: jwk.kid, typ: 'at+jwt' })}.${payload}`
          const token = `${head}.${createHmac('sha256', key).update(head).digest('base64url')}`
          expect((await me(app, token)).body.error.code).toBe('auth.invalid')
        }
      }
    } finally {
      await app.close()
    }
  })

  it('the key set lists public parts only, and can be asked for again with its ETag', async () => {
    const app = await start(ed.jwk, ec.jwk)
    try {
      const reply = await app.request('GET', '/.well-known/jwks.json')
      expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'application/jwk-set+json'])
      expect(reply.body).toEqual({
        keys: [
          { kty: 'OKP', crv: 'Ed25519', x: ed.jwk.x, kid: 'ed', alg: 'EdDSA', use: 'sig' },
          { kty: 'EC', crv: 'P-256', x: ec.jwk.x, y: ec.jwk.y, kid: 'ec', alg: 'ES256', use: 'sig' },
        ],
      })
      const etag = reply.headers.get('etag') ?? ''
      expect(etag).toMatch(/^"[\w-]+"$/)
      for (const sent of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await app.request('GET', '/.well-known/jwks.json', { headers: { 'if-none-match': sent } })
        expect([again.status, again.text, again.headers.get('etag')], sent).toEqual([304, '', etag])
      }
      const changed = await app.request('GET', '/.well-known/jwks.json', { headers: { 'if-none-match': '"other"' } })
      expect(changed.status).toBe(200)
    } finally {
      await app.close()
    }
  })

  it('the key set is empty when tokens are signed with a shared secret', async () => {
    const app = await startApp({ adapter })
    try {
      expect((await app.request('GET', '/.well-known/jwks.json')).body).toEqual({ keys: [] })
    } finally {
      await app.close()
    }
  })
})
