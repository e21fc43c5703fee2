interface Locks {
  request<T>(name: string, options: { signal: AbortSignal }, work: () => Promise<T>): Promise<T>
}

/** A tab that was frozen while it held the lock must not stop the others for longer. */
const waitMaxMs = 10_000

/**
 * Runs `work` alone among the tabs of an origin, by the Web Locks of the browser. Without them, without a name, or
 * after ten seconds of waiting it runs all the same: the lock saves calls, correctness does not rest on it.
 */
export const withLock = async <T>(name: string | undefined, work: () => Promise<T>): Promise<T> => {
  const { locks } = (globalThis as unknown as { navigator?: { locks?: Locks } }).navigator ?? {}
  if (name === undefined || !locks) return work()
  let hasBegun = false
  try {
    return await locks.request(name, { signal: AbortSignal.timeout(waitMaxMs) }, () => {
      hasBegun = true
      return work()
    })
  } catch (error) {
    if (hasBegun) throw error
    return work()
  }
}
