/** A pair of tokens as the server answers it. */
export interface Tokens {
  readonly access_token: string
  /** Works once. */
  readonly refresh_token: string
  readonly token_type: 'Bearer'
  /** The end of the access token, ISO 8601. */
  readonly expires_at: string
}

/** What a client keeps of a session. A bare pair of tokens will do where a session was begun elsewhere. */
export interface KeptTokens extends Tokens {
  /** Whose tokens these are, so that no call is ever sent again in another person's name. */
  readonly user_id?: string
  /** The Idempotency-Key with which `refresh_token` will be used: whoever shares the store asks with the same one. */
  readonly refresh_key?: string
}

/** Where a session is kept. Anything that reads back what was written: a cookie, a keychain, AsyncStorage. */
export interface SessionStore {
  readonly read: () => KeptTokens | null | Promise<KeptTokens | null>
  readonly write: (tokens: KeptTokens | null) => void | Promise<void>
  /** Names the store among the tabs that share it, so that one refreshes at a time. Default: not shared. */
  readonly lockName?: string
}

/** Keeps the session as long as the page or the process lives. */
export const memoryStore = (tokens: KeptTokens | null = null): SessionStore => {
  let kept = tokens
  return {
    read: () => kept,
    write: (next) => {
      kept = next
    },
  }
}

interface KeyValueStorage {
  getItem(key: string): string | null
  setItem(key: string, text: string): void
  removeItem(key: string): void
}

/**
 * Keeps the session in the browser's localStorage under `key`, shared by all tabs. Scripts of the page can read it, so
 * it wants a strict Content-Security-Policy. Where there is no localStorage nothing is kept, so that a server which
 * renders pages never shares one person's session with another.
 */
export const localStorageStore = (key: string): SessionStore => {
  const storage = () => (globalThis as unknown as { localStorage?: KeyValueStorage }).localStorage
  return {
    lockName: `tsforge:${key}`,
    read: () => parse(storage()?.getItem(key)),
    write: (tokens) => {
      if (tokens) storage()?.setItem(key, JSON.stringify(tokens))
      else storage()?.removeItem(key)
    },
  }
}

/** Text that another program left under the key counts as no session. */
const parse = (text: string | null | undefined): KeptTokens | null => {
  try {
    const tokens: unknown = JSON.parse(text ?? 'null')
    return typeof tokens === 'object' && tokens !== null && 'refresh_token' in tokens ? (tokens as KeptTokens) : null
  } catch {
    return null
  }
}
