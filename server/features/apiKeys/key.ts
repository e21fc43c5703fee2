import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from './crc32.ts'

/**
 * `tf_<env>_<id>_<secret><checksum>` in base 62: an id of 12 digits, 256 random bits in 43, and a CRC-32 of everything
 * before it in 6. The checksum protects nothing; it tells a typo, or a text that only looks like a key, without a read.
 */
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const idDigits = 12
const secretDigits = 43
const checksumDigits = 6

/** `live` where people's data is, `test` everywhere else: a finder of leaked keys knows how bad a find is. */
export type KeyEnvironment = 'live' | 'test'

const shape = /^(tf_(?:live|test)_[0-9A-Za-z]{12})_[0-9A-Za-z]{49}$/

/** Finds keys in text: repositories, logs, chats. What it finds is worth a check of the checksum. */
export const leakedKey = /\btf_(?:live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b/g

export interface NewKey {
  readonly plaintext: string
  /** `tf_<env>_<id>`, which may be shown. */
  readonly prefix: string
  readonly keyHash: Buffer
}

export const newKey = (environment: KeyEnvironment): NewKey => {
  const prefix = `tf_${environment}_${randomDigits(16, idDigits)}`
  const body = `${prefix}_${randomDigits(32, secretDigits)}`
  const plaintext = body + checksum(body)
  return { plaintext, prefix, keyHash: hashKey(plaintext) }
}

/** What a key is looked up by; undefined for a text that cannot be one. */
export const prefixOf = (text: string): string | undefined => {
  const prefix = shape.exec(text)?.[1]
  if (prefix === undefined || checksum(text.slice(0, -checksumDigits)) !== text.slice(-checksumDigits)) return undefined
  return prefix
}

/** A key has 256 random bits, so a fast hash keeps it as safe as a slow one would. */
export const hashKey = (plaintext: string): Buffer => createHash('sha256').update(plaintext).digest()

const checksum = (body: string) => base62(BigInt(crc32(body)), checksumDigits)

const randomDigits = (bytes: number, width: number) => base62(BigInt(`0x${randomBytes(bytes).toString('hex')}`), width)

/** The last `width` digits of a number, with zeros in front. */
const base62 = (value: bigint, width: number): string => {
  let text = ''
  for (let rest = value; text.length < width; rest /= 62n) text = digits.charAt(Number(rest % 62n)) + text
  return text
}
