import type { Clock } from './clock.ts'
import { type ClientFailure, isFailure } from './failure.ts'
import { newIdempotencyKey } from './idempotencyKey.ts'
import { withLock } from './lock.ts'
import type { KeptTokens, SessionStore, Tokens } from './stores.ts'

export interface SessionParts {
  readonly store: SessionStore
  readonly clock: Clock
  /** Asks the server for new tokens. Bounded in time; rejects with a ClientFailure, 401 when it refuses. */
  readonly refresh: (refreshToken: string, idempotencyKey: string) => Promise<Tokens>
  readonly onSignedOut: (failure: ClientFailure) => void
}

export interface Session {
  /** The tokens for a call. Renews them when they have ended; when they soon will, it renews them behind the call. */
  readonly current: () => Promise<KeptTokens | null>
  /**
   * Tokens in place of ones the server no longer takes; null when the store has none or another person's by now.
   * Rejects with what the refresh failed with, after signing out when that was a 401.
   */
  readonly renew: (refused: KeptTokens) => Promise<KeptTokens | null>
  readonly begin: (signedIn: { user: { id: string }; tokens: Tokens }) => Promise<void>
  /** Takes over tokens that the caller got for the refresh token of this session by itself. */
  readonly adopt: (refreshToken: string, tokens: Tokens) => Promise<void>
  readonly end: () => Promise<void>
}

const renewAheadMs = 30_000

/**
 * Keeps the tokens of one person. However many calls find them ended, one refresh is sent. Its Idempotency-Key was
 * drawn when the tokens were received, so a refresh whose answer was lost is repeated without harm by the same client,
 * by another tab, and after a reload.
 */
export const createSession = ({ store, clock, refresh, onSignedOut }: SessionParts): Session => {
  let running: Promise<KeptTokens | null> | undefined
  let isClockTrusted = true
  let spareKey = { refreshToken: '', key: '' }

  const keyFor = ({ refresh_token: refreshToken, refresh_key: key }: KeptTokens): string => {
    if (key !== undefined) return key
    if (spareKey.refreshToken !== refreshToken) spareKey = { refreshToken, key: newIdempotencyKey() }
    return spareKey.key
  }

  /** What the store holds now, if it still is the session of `known`. */
  const readSame = async (known: KeptTokens): Promise<KeptTokens | null> => {
    const kept = await store.read()
    return kept && kept.user_id === known.user_id ? kept : null
  }

  const keep = async (known: KeptTokens, tokens: Tokens): Promise<KeptTokens | null> => {
    // Signed out, signed in anew or renewed by another tab meanwhile: what the store holds is newer than this answer.
    const kept = await readSame(known)
    if (kept?.refresh_token !== known.refresh_token) return kept
    const next = withKey(tokens, known.user_id)
    await store.write(next)
    return next
  }

  const giveUp = async (known: KeptTokens, failure: ClientFailure): Promise<KeptTokens | null> => {
    const kept = await readSame(known)
    if (kept?.refresh_token !== known.refresh_token) return kept
    await store.write(null)
    onSignedOut(failure)
    throw failure
  }

  const renewAlone = async (refused: KeptTokens): Promise<KeptTokens | null> => {
    const kept = await readSame(refused)
    if (kept?.refresh_token !== refused.refresh_token) return kept
    try {
      return await keep(kept, await refresh(kept.refresh_token, keyFor(kept)))
    } catch (error) {
      if (isFailure(error) && error.status === 401) return giveUp(kept, error)
      throw error
    }
  }

  const renew = (refused: KeptTokens): Promise<KeptTokens | null> => {
    running ??= withLock(store.lockName, () => renewAlone(refused)).finally(() => {
      running = undefined
    })
    return running
  }

  const renewEarly = async (ending: KeptTokens): Promise<KeptTokens | null> => {
    const renewed = await renew(ending)
    // New tokens that seem about to end: this device's clock is wrong, or they live that short. From here on the
    // server's 401 decides, or every call would refresh.
    if (renewed && millisecondsLeft(renewed, clock) < renewAheadMs) isClockTrusted = false
    return renewed
  }

  return {
    renew,
    async current() {
      const kept = await store.read()
      if (!kept || !isClockTrusted) return kept
      const leftMs = millisecondsLeft(kept, clock)
      if (leftMs <= 0) return renewEarly(kept)
      // The present token still works, so the call does not wait. A failed renewal is tried again by the next call.
      if (leftMs < renewAheadMs) renewEarly(kept).catch(() => null)
      return kept
    },
    begin: async ({ user, tokens }) => store.write(withKey(tokens, user.id)),
    async adopt(refreshToken, tokens) {
      const kept = await store.read()
      if (kept?.refresh_token === refreshToken) await store.write(withKey(tokens, kept.user_id))
    },
    end: async () => store.write(null),
  }
}

const withKey = (tokens: Tokens, userId: string | undefined): KeptTokens => ({
  ...tokens,
  ...(userId === undefined ? {} : { user_id: userId }),
  refresh_key: newIdempotencyKey(),
})

/** Infinity for a time that cannot be read: then the server's 401 decides. */
const millisecondsLeft = ({ expires_at: expiresAt }: Tokens, clock: Clock): number => {
  const leftMs = Date.parse(expiresAt) - clock.now()
  return Number.isNaN(leftMs) ? Number.POSITIVE_INFINITY : leftMs
}
