import { hash } from 'node:crypto'

const numbers = 2 ** 32

/**
 * Where a user stands among all users of a flag: a number from 0 up to but not including 100, the same for ever, on every
 * instance and in every language. It is the first 32 bits of the SHA-256 of `<flag>:<user id>`, as a share of 2^32.
 */
export const shareOf = (flag: string, userId: string): number =>
  (Number.parseInt(hash('sha256', `${flag}:${userId}`, 'hex').slice(0, 8), 16) / numbers) * 100
