import { ClientFailure } from './failure.ts'

export interface Bounds {
  /** Milliseconds; Infinity for no end. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** The longest delay that timers keep: a longer one would fire at once. */
const timerMaxMs = 2 ** 31 - 1

/**
 * Runs `work` until its time is up or the caller gives up, and settles then even when `work` does not.
 * Rejects with `client.timeout`, `client.aborted`, or whatever `work` rejects with.
 */
export const withinTime = <T>({ timeoutMs, signal }: Bounds, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController()
  const stopped = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true })
  })
  const giveUp = () => controller.abort(new ClientFailure('client.aborted', { cause: signal?.reason }))
  const runOut = () => controller.abort(new ClientFailure('client.timeout'))
  const timer = timeoutMs > timerMaxMs ? undefined : setTimeout(runOut, timeoutMs)
  signal?.addEventListener('abort', giveUp)
  if (signal?.aborted) giveUp()
  return Promise.race([stopped, controller.signal.aborted ? stopped : work(controller.signal)]).finally(() => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', giveUp)
  })
}
