import { createHash, hash, webcrypto } from 'node:crypto'
import { type CryptoKey, importJWK, type JWK, type JWTPayload, type JWTVerifyOptions, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import type { JwtKey } from './configuration/jwtKeys.ts'

/** Who an access token was issued to, and the session it dies with. */
export interface Claims {
  readonly userId: string
  readonly sessionId: string
}

export interface AccessTokens {
  /** Signs an access token; `expiresAt` is a whole second. */
  readonly issue: (claims: Claims) => Promise<{ token: string; expiresAt: Date }>
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
  readonly signWith: CryptoKey | undefined
}

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
  const signer = keys.find((key) => key.signWith)
  if (!signer?.signWith) throw new Error('no key can sign access tokens')
  const { signWith, algorithm, kid } = signer
  const verified = new LRUCache<string, Claims & { expiresAtMs: number }>({ max: cachedTokensMax })

  const check = async (token: string, digest: string) => {
    const payload = isCompact(token) ? await verifySignature(token, byKid, options) : undefined
    const claims = payload && claimsOf(payload)
    if (claims) verified.set(digest, claims)
    return claims
  }

  return {
    async issue({ userId, sessionId }) {
      const issuedAt = Math.floor(options.now().getTime() / 1000)
      const token = await new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: algorithm, kid, typ: kind })
        .setIssuer(options.issuer)
        .setAudience(options.audience)
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + options.ttlSeconds)
        .sign(signWith)
      return { token, expiresAt: new Date((issuedAt + options.ttlSeconds) * 1000) }
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
  const key = await webcrypto.subtle.importKey('raw', Buffer.from(secret), use, false, ['sign', 'verify'])
  const kid = createHash('sha256').update(`kid:${secret}`).digest('hex').slice(0, 16)
  return { kid, algorithm: 'HS256', verifyWith: key, signWith: signs ? key : undefined }
}

const importKeyPair = async (jwk: JwtKey): Promise<Key> => {
  const algorithm = jwk.alg
  const verifyWith = (await importJWK(publicPart(jwk), algorithm)) as CryptoKey
  const signWith = jwk.d === undefined ? undefined : ((await importJWK(jwk as JWK, algorithm)) as CryptoKey)
  return { kid: jwk.kid, algorithm, verifyWith, signWith }
}

const publicPart = ({ d: _private, ...jwk }: JwtKey): JWK => ({ ...jwk, use: 'sig' })
