/** Polling is the truth; a request that is lost costs at most this. */
const pollMs = 1_000
/** The least time between two looks, so that many commits at once are looked at together. */
const restMs = 10

/** When to look: one at a time, with a rest behind each. */
export interface Looks {
  /** Asks for one that begins from now on. */
  readonly request: () => void
  /** Looks now, and resolves or rejects as the look does. */
  readonly catchUp: () => Promise<void>
  /** Looks at once, and from then on at least once a second. */
  readonly start: () => void
  /** Looks no more; resolves when the look that runs is over. */
  readonly stop: () => Promise<void>
}

export const createLooks = (look: () => Promise<void>): Looks => {
  let looking: Promise<void> | undefined
  let isDue = false
  let isStopped = false
  let rest: NodeJS.Timeout | undefined
  let poll: NodeJS.Timeout | undefined

  const lookNow = (): Promise<void> => {
    if (looking) return looking
    isDue = false
    looking = look().finally(() => {
      looking = undefined
      if (!isStopped) rest = setTimeout(afterRest, restMs).unref()
    })
    return looking
  }

  const afterRest = () => {
    rest = undefined
    if (isDue && !looking) lookNow().catch(() => {})
  }

  const request = () => {
    if (isStopped) return
    isDue = true
    if (!looking && !rest) lookNow().catch(() => {})
  }

  return {
    request,
    async catchUp() {
      // What runs may have looked before the caller's commit.
      await looking?.catch(() => {})
      await lookNow()
    },
    start() {
      request()
      poll = setInterval(request, pollMs).unref()
    },
    async stop() {
      isStopped = true
      clearInterval(poll)
      clearTimeout(rest)
      await looking?.catch(() => {})
    },
  }
}
