import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

/** Hides what must be kept but not read at rest, by keys derived from the signing secrets. */
export interface Seal {
  /** AES-256-GCM under the newest key. */
  readonly close: (content: string) => Buffer
  /** Undefined when no key of ours, new or previous, fits. */
  readonly open: (sealed: Buffer) => string | undefined
  /** HMAC-SHA-256 under the newest key, for content that is only ever compared. */
  readonly digest: (content: string) => Buffer
  /** True when `digest` was made of this content, under the newest key or a previous one. */
  readonly matches: (content: string, digest: Buffer) => boolean
}

const ivBytes = 12
const tagBytes = 16
const algorithm = 'aes-256-gcm'

/** The first secret seals; all of them open, so that a rotation loses nothing. */
export const createSeal = (secrets: readonly [string, ...string[]], purpose: string): Seal => {
  const derive = (secret: string, use: string) =>
    Buffer.from(hkdfSync('sha256', secret, '', `tsforge ${purpose} ${use}`, 32))
  const keys = secrets.map((secret) => ({ seal: derive(secret, 'seal'), digest: derive(secret, 'digest') }))
  const [newest = { seal: Buffer.alloc(0), digest: Buffer.alloc(0) }] = keys
  const digestUnder = (key: Buffer, content: string) => createHmac('sha256', key).update(content).digest()

  return {
    close(content) {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv(algorithm, newest.seal, iv)
      return Buffer.concat([iv, cipher.update(content, 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    open: (sealed) => keys.map(({ seal }) => openUnder(seal, sealed)).find((content) => content !== undefined),
    digest: (content) => digestUnder(newest.digest, content),
    matches: (content, digest) =>
      keys.some((key) => digest.length === 32 && timingSafeEqual(digestUnder(key.digest, content), digest)),
  }
}

const openUnder = (key: Buffer, sealed: Buffer): string | undefined => {
  if (sealed.length < ivBytes + tagBytes) return undefined
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, ivBytes))
  decipher.setAuthTag(sealed.subarray(-tagBytes))
  try {
    return decipher.update(sealed.subarray(ivBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8')
  } catch {
    return undefined
  }
}
