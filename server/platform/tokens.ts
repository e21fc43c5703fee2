import {
  createHash,
  createHmac,
  createPrivateKey,
  createSecretKey,
  hash,
  type JsonWebKey,
  sign,
  webcrypto,
} from 'node:crypto'
import { type CryptoKey, importJWK, type JWK, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import type { JwtKey } from './configuration/jwtKeys.ts'

/** Who an access token was issued to, and the session it dies with. */
export interface Claims {
  readonly userId: string
  readonly sessionId: string
}

export interface AccessTokens {
  /** Signs an access token; `expiresAt` is a whole second. */
  readonly issue: (claims: Claims) => { token: string; expiresAt: Date }
  /** Undefined for a token that is malformed, forged, expired, of another kind, issuer or audience. */
  readonly verify: (token: string) => Claims | undefined | Promise<Claims | undefined>
  /** The public keys, RFC 7517. Empty when tokens are signed with a shared secret. */
  readonly publicKeys: { readonly keys: readonly JWK[] }
}

export interface TokenOptions {
  /** Signs unless `keys` holds a private key; 32 bytes or more. */
  readonly secret: string | undefined
  /** Verify only, so that a rotation logs nobody out. */
  readonly previousSecrets: readonly string[]
  /** Ed25519 or P-256 keys with `kid`; the first one with a private part signs. */
  readonly keys: readonly JwtKey[]
  readonly issuer: string
  readonly audience: string
  readonly ttlSeconds: number
  readonly now: () => Date
}

interface Key {
  readonly kid: string
  readonly algorithm: 'HS256' | 'EdDSA' | 'ES256'
  readonly verifyWith: CryptoKey
  readonly sign: Signer | undefined
}

type Signer = (text: string) => Buffer

/** RFC 9068 2.1: access tokens say so in their header, so no other JWT of this issuer passes for one. */
const kind = 'at+jwt'
const cachedTokensMax = 10_000

/**
 * Signs and verifies access tokens. Verified claims are remembered by a digest of the token until they expire, since
 * the signature is the largest cost of a small read; whether the session still stands is asked on every call.
 */
export const createAccessTokens = async (options: TokenOptions): Promise<AccessTokens> => {
  const keys = await importKeys(options)
  const byKid = new Map(keys.map((key) => [key.kid, key]))
  const signer = keys.find((key) => key.sign)
  if (!signer?.sign) throw new Error('no key can sign access tokens')
  const { sign: signText, algorithm: alg, kid } = signer
  const header = inBase64url({ alg, kid, typ: kind })
  const verified = new LRUCache<string, Claims & { expiresAtMs: number }>({ max: cachedTokensMax })

  const check = async (token: string, digest: string) => {
    const payload = isCompact(token) ? await verifySignature(token, byKid, options) : undefined
    const claims = payload && claimsOf(payload)
    if (claims) verified.set(digest, claims)
    return claims
  }

  return {
    issue({ userId, sessionId }) {
      const iat = Math.floor(options.now().getTime() / 1000)
      const exp = iat + options.ttlSeconds
      const { issuer: iss, audience: aud } = options
      const text = `${header}.${inBase64url({ sid: sessionId, iss, aud, sub: userId, iat, exp })}`
      return { token: `${text}.${signText(text).toString('base64url')}`, expiresAt: new Date(exp * 1000) }
    },
    verify(token) {
      const digest = hash('sha256', token, 'base64')
      const known = verified.get(digest)
      if (!known) return check(token, digest)
      return known.expiresAtMs > options.now().getTime() ? known : undefined
    },
    publicKeys: { keys: options.keys.map(publicPart) },
  }
}

const inBase64url = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

const compact = /^[\w-]+\.[\w-]+\.([\w-]+)$/

/**
 * RFC 7515 7.1, to the letter. The decoder below also takes padding, white space and bits that no byte needs, so that
 * many texts would stand for one token; the signature covers the other parts as text, but not itself.
 */
const isCompact = (token: string): boolean => {
  const signature = compact.exec(token)?.[1]
  return signature !== undefined && Buffer.from(signature, 'base64url').toString('base64url') === signature
}

const verifySignature = async (token: string, byKid: ReadonlyMap<string, Key>, options: TokenOptions) => {
  const rules: JWTVerifyOptions = {
    issuer: options.issuer,
    audience: options.audience,
    typ: kind,
    algorithms: ['HS256', 'EdDSA', 'ES256'],
    requiredClaims: ['exp', 'sub'],
    currentDate: options.now(),
  }
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid, alg }) => {
        const key = kid === undefined ? undefined : byKid.get(kid)
        // The key decides the algorithm, never the token: RFC 8725 3.1.
        if (!key || key.algorithm !== alg) throw new Error('no such key')
        return key.verifyWith
      },
      rules,
    )
    return payload
  } catch {
    return undefined
  }
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A session id that is no UUID would fail the read it shares with other callers. */
const claimsOf = ({ sub, sid, exp }: JWTPayload) =>
  typeof sub === 'string' && typeof sid === 'string' && uuid.test(sid) && exp !== undefined && Number.isFinite(exp)
    ? { userId: sub, sessionId: sid, expiresAtMs: exp * 1000 }
    : undefined

const importKeys = async ({ secret, previousSecrets, keys }: TokenOptions): Promise<Key[]> => [
  ...(await Promise.all(keys.map(importKeyPair))),
  ...(secret === undefined ? [] : [await importSecret(secret, true)]),
  ...(await Promise.all(previousSecrets.map((previous) => importSecret(previous, false)))),
]

const importSecret = async (secret: string, signs: boolean): Promise<Key> => {
  const use = { name: 'HMAC', hash: 'SHA-256' }
  const verifyWith = await webcrypto.subtle.importKey('raw', Buffer.from(secret), use, false, ['verify'])
  const kid = createHash('sha256').update(`kid:${secret}`).digest('hex').slice(0, 16)
  return { kid, algorithm: 'HS256', verifyWith, sign: signs ? signerBySecret(secret) : undefined }
}

const importKeyPair = async (jwk: JwtKey): Promise<Key> => {
  const verifyWith = (await importJWK(publicPart(jwk), jwk.alg)) as CryptoKey
  return { kid: jwk.kid, algorithm: jwk.alg, verifyWith, sign: jwk.d === undefined ? undefined : signerByKey(jwk) }
}

// Signed at once, unlike by WebCrypto, whose threads are those that hash passwords: a login would wait for them again.

const signerBySecret = (secret: string): Signer => {
  const key = createSecretKey(secret, 'utf8')
  return (text) => createHmac('sha256', key).update(text).digest()
}

/** RFC 7518 3.4 and RFC 8037 3.1. */
const signerByKey = (jwk: JwtKey): Signer => {
  const key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' })
  return jwk.alg === 'EdDSA'
    ? (text) => sign(null, Buffer.from(text), key)
    : (text) => sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
}

const publicPart = ({ d: _private, ...jwk }: JwtKey): JWK => ({ ...jwk, use: 'sig' })
