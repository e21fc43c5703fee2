import { createPrivateKey, createPublicKey, type JsonWebKey } from 'node:crypto'
import { z } from 'zod'

const bytesWanted = 'x, y and d are 32 bytes in base64url without padding'
const coordinate = z.string({ error: bytesWanted }).regex(/^[A-Za-z0-9_-]{43}$/, bytesWanted)
const kid = z.string({ error: 'every key needs a kid' }).min(1, 'every key needs a kid')

const ed25519 = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519', { error: 'an OKP key must be on the curve Ed25519' }),
  kid,
  alg: z.literal('EdDSA', { error: 'an Ed25519 key signs with alg EdDSA' }).default('EdDSA'),
  x: coordinate,
  d: coordinate.optional(),
})

const p256 = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256', { error: 'an EC key must be on the curve P-256' }),
  kid,
  alg: z.literal('ES256', { error: 'a P-256 key signs with alg ES256' }).default('ES256'),
  x: coordinate,
  y: coordinate,
  d: coordinate.optional(),
})

const jwk = z.discriminatedUnion('kty', [ed25519, p256], { error: 'kty must be OKP (EdDSA) or EC (ES256)' })

/** A JSON Web Key (RFC 7517). With `d` it signs, without it only verifies. */
export type JwtKey = z.output<typeof jwk>

const jwkSet = z
  .object({ keys: z.array(jwk, { error: 'keys must be a list' }).min(1, 'keys is empty') }, { error: 'not an object' })
  .transform((set) => set.keys)
  .superRefine((keys, context) => {
    for (const message of findKeyFaults(keys)) context.addIssue({ code: 'custom', message })
  })

function findKeyFaults(keys: readonly JwtKey[]): string[] {
  const faults = keys.filter((key) => !isConsistent(key)).map((key) => `key "${key.kid}" is not a valid key pair`)
  if (new Set(keys.map((key) => key.kid)).size < keys.length) faults.push('two keys have the same kid')
  if (!keys.some((key) => key.d !== undefined)) faults.push('no key has a private part (d), so nothing could sign')
  return faults
}

/** A public half that does not belong to the private one would sign tokens that nobody can verify. */
function isConsistent(key: JwtKey): boolean {
  try {
    const source = { key: key as JsonWebKey, format: 'jwk' } as const
    const half = createPublicKey(key.d === undefined ? source : createPrivateKey(source)).export({ format: 'jwk' })
    return half.x === key.x && (key.kty === 'OKP' || half.y === key.y)
  } catch {
    return false
  }
}

/** A JWK set as JSON text (RFC 7517 section 5), read to its list of keys. Members that are not needed are dropped. */
export const jwtKeySet = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue({ code: 'custom', message: 'not JSON' })
      return z.NEVER
    }
  })
  .pipe(jwkSet)
  .describe(
    'a JWK set in JSON: Ed25519 (EdDSA) or P-256 (ES256) keys, each with a kid, at least one with its private part',
  )
