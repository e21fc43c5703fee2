import { timingSafeEqual } from 'node:crypto'
import type { Person } from '../../context.ts'
import type { Identify } from '../../rpc/gates.ts'
import { hashKey, prefixOf } from './key.ts'

export interface KeyHolder {
  readonly key_id: string
  readonly key_hash: Buffer
  readonly scopes: readonly string[]
  /** The last use that was noted is some time ago. */
  readonly is_use_old: boolean
  readonly user: Person
  /** There when reads may come from a replica. */
  readonly wrote_lately?: boolean
}

/** Reads the person behind a live key; undefined when it is revoked or expired or the account disabled. */
export type FindKeyHolder = (prefix: string) => Promise<KeyHolder | undefined>

export interface KeyUse {
  readonly id: string
  readonly userId: string
}

/** A key is read for each call, so it dies at once. What cannot be a key is refused without a read. */
export const createIdentifyKey =
  (findHolder: FindKeyHolder, noteUse: (use: KeyUse) => void): Identify =>
  async (token) => {
    const prefix = prefixOf(token)
    const found = prefix === undefined ? undefined : await findHolder(prefix)
    if (!found || !timingSafeEqual(found.key_hash, hashKey(token))) return undefined
    const { key_id: credentialId, user, scopes, wrote_lately: wroteLately } = found
    if (found.is_use_old) noteUse({ id: credentialId, userId: user.id })
    return { userId: user.id, credentialId, kind: 'key', user, scopes, wroteLately }
  }

/**
 * Notes the uses of keys beside the calls, which neither wait for it nor fail with it: `onError` is told. Calls that
 * come while the note of their key is being written need none of their own.
 */
export const createNoteUse = (
  write: (use: KeyUse) => Promise<unknown>,
  onError: (error: unknown) => void,
): ((use: KeyUse) => void) => {
  const writing = new Set<string>()
  return (use) => {
    if (writing.has(use.id)) return
    writing.add(use.id)
    void write(use)
      .catch(onError)
      .finally(() => writing.delete(use.id))
  }
}
