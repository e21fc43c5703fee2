import { createHash, randomBytes } from 'node:crypto'

/** A new refresh token: 256 random bits, kept only as its SHA-256. It carries no claims, so there is nothing to forge. */
export const newRefreshToken = (): { token: string; tokenHash: Buffer } => {
  const token = `tr_${randomBytes(32).toString('base64url')}`
  return { token, tokenHash: hashRefreshToken(token) }
}

export const hashRefreshToken = (token: string): Buffer => createHash('sha256').update(token).digest()
