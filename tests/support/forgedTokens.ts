import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import type { JwtKey } from '../../server/platform/configuration/jwtKeys.ts'
import { createAccessTokens } from '../../server/platform/tokens.ts'

export const secret = 'the signing secret of forged tokens, long enough'
export const kidOf = (text: string) => createHash('sha256').update(`kid:${text}`).digest('hex').slice(0, 16)

export const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
export const ed = generateKeyPairSync('ed25519')
export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** Of a key pair what stands in JWT_KEYS. */
const jwkOf = (alg: JwtKey['alg'], kid: string, { privateKey }: { privateKey: KeyObject }): JwtKey =>
  ({ ...privateKey.export({ format: 'jwk' }), alg, kid }) as JwtKey

/** Makes the signature of a text. */
export type Signer = (text: string) => Buffer

export const hmac =
  (key: Parameters<typeof createHmac>[1], hash = 'sha256'): Signer =>
  (text) =>
    createHmac(hash, key).update(text).digest()

export const ecdsa =
  (key: KeyObject, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363', hash = 'sha256'): Signer =>
  (text) =>
    sign(hash, Buffer.from(text), { key, dsaEncoding })

/** Ed25519 and RSA with PKCS #1 padding. */
export const plain =
  (key: KeyObject, hash: string | null = null): Signer =>
  (text) =>
    sign(hash, Buffer.from(text), key)

/** The three kinds of keys that one server may verify with at once. */
export const kinds = {
  HS256: { kid: kidOf(secret), signer: hmac(secret) },
  ES256: { kid: 'ec', signer: ecdsa(ec.privateKey) },
  EdDSA: { kid: 'ed', signer: plain(ed.privateKey) },
} as const
export type Kind = keyof typeof kinds
export const kindNames = Object.keys(kinds) as Kind[]

const now = 2_000_000_000

export const createVerifier = () =>
  createAccessTokens({
    secret,
    previousSecrets: [],
    keys: [jwkOf('ES256', 'ec', ec), jwkOf('EdDSA', 'ed', ed)],
    issuer: ownClaims.iss,
    audience: ownClaims.aud,
    ttlSeconds: 900,
    now: () => new Date(now * 1000),
  })

/** Those of a token that is good. */
export const ownClaims = {
  iss: 'tsforge',
  aud: 'tsforge',
  sub: randomUUID(),
  sid: randomUUID(),
  iat: now - 10,
  exp: now + 890,
}

/** A part of a token as text or bytes, or as fields laid over those of a good token. */
export type Part = string | Buffer | Record<string, unknown>

export interface Forgery {
  readonly kind?: Kind
  readonly header?: Part
  readonly claims?: Part
  readonly signer?: Signer
  readonly base?: Record<string, unknown>
}

export const encoded = (part: Part): string => {
  const isRaw = typeof part === 'string' || Buffer.isBuffer(part)
  return Buffer.from(isRaw ? (part as string) : JSON.stringify(part)).toString('base64url')
}

const over = (own: Record<string, unknown>, part: Part = {}): Part =>
  typeof part === 'string' || Buffer.isBuffer(part) ? part : { ...own, ...part }

/** A token that is signed in order, and good unless a part of it was given. */
export const forge = ({ kind = 'HS256', header, claims, signer, base = ownClaims }: Forgery = {}): string => {
  const own = { alg: kind, kid: kinds[kind].kid, typ: 'at+jwt' }
  const text = `${encoded(over(own, header))}.${encoded(over(base, claims))}`
  return `${text}.${(signer ?? kinds[kind].signer)(text).toString('base64url')}`
}

/** The seconds that the verifier takes for now. */
export const nowSeconds = now

/** Somebody whose keys the verifier does not know. */
export const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

export const partsOf = (token: string) => token.split('.') as [header: string, payload: string, signature: string]

/** A name and the token that it says something of. */
export type Named = [name: string, token: string]

export const forgeAll = (list: readonly (Forgery & { readonly is: string })[]): Named[] =>
  list.map(({ is, ...forgery }) => [is, forge(forgery)])

/** One token for each value of a field of the header or of the claims. */
export const withEach = (part: 'header' | 'claims', field: string, values: readonly unknown[]): Named[] =>
  values.map((value) => [
    `${field} ${String(JSON.stringify(value)).slice(0, 40)}`,
    forge({ [part]: { [field]: value } }),
  ])

/** The header of a good token as text, without its braces. */
export const headerText = (kind: Kind): string =>
  JSON.stringify({ alg: kind, kid: kinds[kind].kid, typ: 'at+jwt' }).slice(1, -1)

/** The claims of a good token as text, and one more behind them. */
export const claimsText = (more: string): string => `${JSON.stringify(ownClaims).slice(0, -1)},${more}}`
