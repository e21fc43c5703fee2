import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/**
 * Positions in lists as opaque text. A cursor is bound to the list it was issued by (its name, owner and bucket) and
 * signed, so an edited one, or one of another list, is told from a real one.
 */
export interface Cursors {
  readonly write: (list: string, position: readonly string[]) => string
  /** Undefined for a text that this list did not issue. */
  readonly read: (list: string, cursor: string) => readonly string[] | undefined
}

const signatureBytes = 12

/** The first secret signs; all of them are read, so that a rotation breaks no list half-way. */
export const createCursors = (secrets: readonly [string, ...string[]]): Cursors => {
  const derive = (secret: string) => Buffer.from(hkdfSync('sha256', secret, '', 'tsforge cursors', 32))
  const [first, ...others] = secrets
  const newest = derive(first)
  const keys = [newest, ...others.map(derive)]
  const sign = (key: Buffer, list: string, body: Buffer) =>
    createHmac('sha256', key).update(`${list}\0`).update(body).digest().subarray(0, signatureBytes)

  return {
    write(list, position) {
      const body = Buffer.from(JSON.stringify(position))
      return Buffer.concat([sign(newest, list, body), body]).toString('base64url')
    },
    read(list, cursor) {
      const bytes = Buffer.from(cursor, 'base64url')
      const body = bytes.subarray(signatureBytes)
      // Decoding skips what is no base64url, so that many texts would stand for one cursor.
      if (bytes.length <= signatureBytes || bytes.toString('base64url') !== cursor) return undefined
      const signature = bytes.subarray(0, signatureBytes)
      if (!keys.some((key) => timingSafeEqual(signature, sign(key, list, body)))) return undefined
      return JSON.parse(body.toString()) as string[]
    },
  }
}
