import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { claims, headers, noise } from './support/forgedContents.ts'
import { algorithms, confusions, embedded, incomplete, mirrored, signatures } from './support/forgedSignatures.ts'
import {
  createVerifier,
  ec,
  ecdsa,
  ed,
  forge,
  forgeAll,
  headerText,
  kindNames,
  type Named,
  nowSeconds as now,
  ownClaims,
  secret,
  stranger,
  withEach,
} from './support/forgedTokens.ts'

/**
 * The cases of Project Wycheproof's vectors for JSON Web Signatures, and more of their kind, made anew with keys of our
 * own: github.com/C2SP/wycheproof.
 */
const { verify } = await createVerifier()
const ofStranger = stranger.publicKey.export({ format: 'jwk' })

describe('a token counts', () => {
  it.each([
    ...kindNames.map((kind) => [`by ${kind}`, forge({ kind })] as Named),
    ...withEach('header', 'typ', ['AT+JWT', 'application/at+jwt']),
    ...withEach('claims', 'aud', [['tsforge'], ['other', 'tsforge']]),
    ...withEach('claims', 'exp', [now + 1, now + 0.5, 4_102_444_800.25, 1e15]),
    ...withEach('claims', 'nbf', [now, 0, -1, now - 0.5]),
    ...forgeAll([
      { is: 'with a name twice, of which the last is good', header: `{"alg":"none",${headerText('HS256')}}` },
      { is: 'with keys in it that nobody looks at', header: { jwk: stranger.publicKey.export({ format: 'jwk' }) } },
      { is: 'by the other half of an ECDSA signature', kind: 'ES256', signer: mirrored },
    ]),
  ])('%s', async (_name, token) => {
    expect(await verify(token)).toMatchObject({ userId: decodeJwt(token).sub, sessionId: decodeJwt(token).sid })
  })
})

const refused = { incomplete, algorithms, confusions, embedded, signatures, headers, claims, noise }

describe.each(Object.entries(refused))('a token is refused: %s', (_group, tokens) => {
  it.each(tokens)('%s', async (_name, token) => {
    expect(await verify(token)).toBeUndefined()
  })
})

describe('a token that was changed', () => {
  it.each(kindNames)('in any one character is refused, also once it is remembered as it was: %s', async (kind) => {
    const token = forge({ kind })
    expect(await verify(token)).toBeDefined()
    for (let at = 0; at < token.length; at++) {
      const swapped = token[at] === 'A' ? 'B' : 'A'
      expect(await verify(token.slice(0, at) + swapped + token.slice(at + 1)), `at ${at}`).toBeUndefined()
      expect(await verify(token.slice(0, at) + token.slice(at + 1)), `without ${at}`).toBeUndefined()
    }
    expect(await verify(token)).toBeDefined()
  })

  it('leads nobody to fetch a key from where it says', async () => {
    let asked = 0
    const server = createServer((_request, reply) => {
      asked++
      reply.end(JSON.stringify({ keys: [{ ...ofStranger, kid: 'stranger', alg: 'ES256' }] }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const header = { kid: 'stranger', jku: url, x5u: url }
    expect(await verify(forge({ kind: 'ES256', header, signer: ecdsa(stranger.privateKey) }))).toBeUndefined()
    server.close()
    expect(asked).toBe(0)
  })
})

describe.each(adapters)('over HTTP on %s', (adapter) => {
  let app: TestApp
  let account: Account
  beforeAll(async () => {
    const keys = [ec, ed].map(({ privateKey }, index) => ({
      ...privateKey.export({ format: 'jwk' }),
      kid: index === 0 ? 'ec' : 'ed',
    }))
    const { iss, aud } = ownClaims
    const environment = { JWT_SECRET: secret, JWT_KEYS: JSON.stringify({ keys }), JWT_ISSUER: iss, JWT_AUDIENCE: aud }
    app = await startApp({ adapter, environment })
    account = await register(app)
    app.setTime(new Date(now * 1000))
  })
  afterAll(() => app.close())

  /** What can be sent in a header at all. */
  const isSendable = (token: string) => /^[\x21-\x7e]{1,8000}$/.test(token)
  const sample = Object.values(refused)
    .flat()
    .filter(([, token]) => isSendable(token))

  it(`each of ${sample.length} answers 401 auth.invalid in the same words, and nothing breaks`, async () => {
    const begin = app.logged.length
    const answers = new Set<string>()
    for (const [name, token] of sample) {
      const { status, body } = await app.request('GET', '/api/v1/auth/me', { token })
      expect([status, body.error.code], name).toEqual([401, 'auth.invalid'])
      answers.add(JSON.stringify(body.error))
    }
    expect(answers.size).toBe(1)
    const lines = app.logged.slice(begin).map((line) => JSON.parse(line) as { level: number })
    expect(lines.filter(({ level }) => level > 30)).toEqual([])
  })

  it('a token of our own keys for a person who is none is refused before the database can complain of it', async () => {
    const base = { ...decodeJwt(account.accessToken), iat: now, exp: now + 900 }
    const me = (sub: unknown) => app.request('GET', '/api/v1/auth/me', { token: forge({ base: { ...base, sub } }) })
    expect((await me(account.id)).status).toBe(200)
    for (const sub of [
      '',
      'nobody',
      account.id.toUpperCase(),
      `${account.id} `,
      "' or 1=1 --",
      '\0',
      'x'.repeat(5_000),
    ]) {
      expect((await me(sub)).body.error.code, sub.slice(0, 20)).toBe('auth.invalid')
    }
  })
})
