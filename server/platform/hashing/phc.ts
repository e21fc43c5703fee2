import type { Cost, Variant } from './argon2.ts'

/** A stored password, as in the PHC string format: `$argon2id$v=19$m=65536,t=3,p=2$<salt>$<hash>`. */
export interface StoredHash extends Cost {
  readonly variant: Variant
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

const pattern =
  /^\$argon2(id|i|d)\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** Beyond these a stored string is an attack on memory or time, not a password: 1 GiB, 64 passes, 64 lanes. */
const most: Cost = { memoryKib: 1_048_576, iterations: 64, parallelism: 64 }

/** Undefined for anything but a well-formed Argon2 string of version 19 with costs that can be paid. Never throws. */
export function parsePhc(text: string): StoredHash | undefined {
  if (text.length > 512) return undefined
  const [, variant, memory, iterations, parallelism, salt = '', hash = ''] = pattern.exec(text) ?? []
  if (variant !== 'id' && variant !== 'i' && variant !== 'd') return undefined
  const cost = { memoryKib: Number(memory), iterations: Number(iterations), parallelism: Number(parallelism) }
  const stored = { variant, ...cost, salt: decode(salt), hash: decode(hash) } as const
  const isWhole = encode(stored.salt) === salt && encode(stored.hash) === hash
  return isWhole && isPayable(cost) && hasSaneLengths(stored) ? stored : undefined
}

/** The string to store for a computed hash. */
export function formatPhc({ variant, memoryKib, iterations, parallelism, salt, hash }: StoredHash): string {
  const cost = `m=${memoryKib},t=${iterations},p=${parallelism}`
  return `$argon2${variant}$v=19$${cost}$${encode(salt)}$${encode(hash)}`
}

/** RFC 9106 3.1 asks for 8 KiB a lane. */
function isPayable({ memoryKib, iterations, parallelism }: Cost): boolean {
  const isBounded = memoryKib <= most.memoryKib && iterations <= most.iterations && parallelism <= most.parallelism
  return isBounded && memoryKib >= 8 * parallelism
}

/** A hash of a few bytes would match by chance. */
function hasSaneLengths({ salt, hash }: StoredHash): boolean {
  return salt.length >= 8 && salt.length <= 64 && hash.length >= 16 && hash.length <= 64
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '')
}

function decode(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'))
}
