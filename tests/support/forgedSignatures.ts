import { generateKeyPairSync } from 'node:crypto'
import {
  ec,
  ecdsa,
  ed,
  forge,
  forgeAll,
  headerText,
  hmac,
  kindNames,
  kinds,
  type Named,
  partsOf,
  plain,
  rsa,
  type Signer,
  secret,
  stranger,
  withEach,
} from './forgedTokens.ts'

/** The same token under a signature made of its own. */
export const resign = (token: string, change: (signature: Buffer) => Buffer) => {
  const [header, payload, signature] = partsOf(token)
  return `${header}.${payload}.${change(Buffer.from(signature, 'base64url')).toString('base64url')}`
}

const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
const wide = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
const number = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`)
const pair =
  (r: bigint, s: bigint): Signer =>
  () =>
    Buffer.concat([wide(r), wide(s)])

/** (r, n - s) signs whatever (r, s) does: the token says the same. */
export function mirrored(text: string): Buffer {
  const signature = ecdsa(ec.privateKey)(text)
  return Buffer.concat([signature.subarray(0, 32), wide(order - number(signature.subarray(32)))])
}

/** Parts that are missing, too many, cut, padded or written in another way. */
export const incomplete = kindNames.flatMap((kind) => {
  const token = forge({ kind })
  const [header, payload, signature] = partsOf(token)
  const tokens = {
    'without a signature': `${header}.${payload}.`,
    'without a signature and its dot': `${header}.${payload}`,
    'without a payload': `${header}..${signature}`,
    'without a payload and its dot': `${header}.${signature}`,
    'without a header': `.${payload}.${signature}`,
    'without a header and its dot': `${payload}.${signature}`,
    'with a payload alone': `.${payload}.`,
    'with a header alone': header,
    'with an empty part more': `${token}.`,
    'with a part more': `${token}.foo`,
    'with an empty part in front': `.${token}`,
    twice: `${token}.${token}`,
    'with padding behind it': `${token}=`,
    'with white space behind it': `${token} `,
    'with white space before it': ` ${token}`,
    'with a line end': `${token}\n`,
    'with a line end in the signature': `${header}.${payload}.${signature.slice(0, 9)}\n${signature.slice(9)}`,
    'with a space in the header': `${header.slice(0, 9)} ${header.slice(9)}.${payload}.${signature}`,
    'with NUL': `${token}\0`,
    'in the other alphabet': resign(token, () => Buffer.alloc(64, 0xfb))
      .replaceAll('-', '+')
      .replaceAll('_', '/'),
    'with a signature of zeros': resign(token, (bytes) => Buffer.alloc(bytes.length)),
    'with a signature of one byte': resign(token, (bytes) => bytes.subarray(0, 1)),
    'with half a signature': resign(token, (bytes) => bytes.subarray(0, bytes.length / 2)),
    'with a signature cut by a byte': resign(token, (bytes) => bytes.subarray(0, -1)),
    'with a signature longer by a byte': resign(token, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
    'with a signature twice': resign(token, (bytes) => Buffer.concat([bytes, bytes])),
    'with bits that no byte needs': `${token.slice(0, -1)}${String.fromCharCode(token.charCodeAt(token.length - 1) + 1)}`,
    'as flattened JSON': JSON.stringify({ payload, protected: header, signature }),
    'as general JSON': JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
    quoted: JSON.stringify(token),
    'behind its scheme': `Bearer ${token}`,
  }
  return Object.entries(tokens).map(([name, text]) => [`${kind} ${name}`, text] as Named)
})

const known = kinds.HS256.kid
/** Algorithms that are none, or not those of the key. */
export const algorithms = [
  ...['none', 'None', 'NONE', 'nOnE', 'none ', ''].flatMap((alg) => [
    [
      `alg "${alg}" without a signature`,
      `${partsOf(forge({ header: { alg } }))
        .slice(0, 2)
        .join('.')}.`,
    ],
    [`alg "${alg}" with one`, forge({ header: { alg } })],
  ]),
  ...withEach('header', 'alg', [
    'hs256',
    'HS256 ',
    'HS384',
    'RS256',
    'ES256',
    'EdDSA',
    'Ed25519',
    'dir',
    'PBES2-HS256+A128KW',
  ]),
  ...withEach('header', 'alg', [null, 256, true, ['HS256'], { HS256: 1 }, undefined, '__proto__', 'constructor']),
  ...forgeAll([
    { is: 'HS384 by our secret', header: { alg: 'HS384' }, signer: hmac(secret, 'sha384') },
    { is: 'HS512 by our secret', header: { alg: 'HS512' }, signer: hmac(secret, 'sha512') },
    { is: 'the last of two names bad', header: `{${headerText('HS256')},"alg":"none"}` },
    { is: 'RS256 of a stranger under our kid', header: { alg: 'RS256' }, signer: plain(rsa.privateKey, 'sha256') },
    {
      is: 'RS256 under the kid of a key pair',
      kind: 'ES256',
      header: { alg: 'RS256' },
      signer: plain(rsa.privateKey, 'sha256'),
    },
    { is: 'HMAC without a key', signer: hmac('') },
    { is: 'HMAC by the kid', signer: hmac(known) },
    { is: 'HMAC of zeros', signer: hmac(Buffer.alloc(32)) },
    { is: 'ES256 under the kid of EdDSA', kind: 'ES256', header: { kid: 'ed' } },
    { is: 'EdDSA under the kid of ES256', kind: 'EdDSA', header: { kid: 'ec' } },
  ]),
] as Named[]

/** Every spelling of a public key that a careless library would take for a shared secret. */
export const confusions = Object.entries({ ec, ed, rsa }).flatMap(([kid, { publicKey }]) => {
  const jwk = publicKey.export({ format: 'jwk' })
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const der = publicKey.export({ format: 'der', type: 'spki' })
  const keys = {
    PEM: pem,
    'trimmed PEM': pem.trim(),
    'PEM with CRLF': pem.replaceAll('\n', '\r\n'),
    DER: der,
    'DER in base64': der.toString('base64'),
    'the raw key': der.subarray(kid === 'ec' ? -65 : -32),
    'its first number': Buffer.from(String(jwk.x ?? jwk.n), 'base64url'),
    'its first number as text': String(jwk.x ?? jwk.n),
    JWK: JSON.stringify(jwk),
    'JWK with its names': JSON.stringify({ ...jwk, kid, alg: kid === 'ed' ? 'EdDSA' : 'ES256', use: 'sig' }),
  }
  return Object.entries(keys).flatMap(([spelling, key]) =>
    [kid, known].map((id) => [`${kid}: ${spelling} under ${id}`, forge({ header: { kid: id }, signer: hmac(key) })]),
  )
}) as Named[]

const ofStranger = stranger.publicKey.export({ format: 'jwk' })
/** Keys that the token brings along. */
export const embedded = forgeAll(
  [
    { jwk: ofStranger },
    { jwk: { ...ofStranger, kid: 'ec', alg: 'ES256', use: 'sig' } },
    { jwk: stranger.privateKey.export({ format: 'jwk' }) },
    { jku: 'https://example.org/jwks.json' },
    { x5u: 'https://example.org/chain.pem' },
    { x5c: [stranger.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')] },
    { x5t: 'AAAA', 'x5t#S256': 'AAAA' },
  ].flatMap((more) =>
    ['ec', undefined, 'stranger'].map((kid) => ({
      is: `${Object.keys(more)[0]} under kid ${kid}`,
      kind: 'ES256' as const,
      header: { ...more, kid },
      signer: ecdsa(stranger.privateKey),
    })),
  ),
)

const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
const k256 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
const [r, s] = [number(ecdsa(ec.privateKey)('x').subarray(0, 32)), 1n]
/** ECDSA signatures that are none. */
export const signatures = forgeAll(
  Object.entries({
    'in DER': ecdsa(ec.privateKey, 'der'),
    'with r and s of zero': pair(0n, 0n),
    'with r of zero': pair(0n, s),
    'with s of zero': pair(r, 0n),
    'with r and s of one': pair(1n, 1n),
    'with r of the order': pair(order, s),
    'with s of the order': pair(r, order),
    'with the highest numbers': pair(2n ** 256n - 1n, 2n ** 256n - 1n),
    'with s beyond the order': (text: string) => {
      const good = ecdsa(ec.privateKey)(text)
      return pair(number(good.subarray(0, 32)), (number(good.subarray(32)) + order) % 2n ** 256n)(text)
    },
    'with r and s exchanged': (text: string) => {
      const good = ecdsa(ec.privateKey)(text)
      return Buffer.concat([good.subarray(32), good.subarray(0, 32)])
    },
    'of another hash': ecdsa(ec.privateKey, 'ieee-p1363', 'sha384'),
    'on P-384': ecdsa(p384.privateKey),
    'on secp256k1': ecdsa(k256.privateKey),
    'of a stranger': ecdsa(stranger.privateKey),
  } satisfies Record<string, Signer>).map(([is, signer]) => ({ is, kind: 'ES256' as const, signer })),
)
