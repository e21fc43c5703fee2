/** More hashes were asked for than may run and wait. Answered as 503 `overloaded` with Retry-After. */
export class HashingOverloaded extends Error {
  readonly retryAfterSeconds: number
  constructor(retryAfterSeconds: number) {
    super('too many passwords are being hashed')
    this.name = 'HashingOverloaded'
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Runs at most `concurrency` works at a time and lets at most `queueLength` wait, in order of arrival. */
export interface Turns {
  /** Rejects with HashingOverloaded at once when the queue is full. */
  readonly take: <T>(work: () => Promise<T>) => Promise<T>
  readonly stats: () => { readonly running: number; readonly queued: number }
  /** Refuses those that wait and those to come; resolves when the running ones have ended. */
  readonly close: () => Promise<void>
}

interface Waiting {
  readonly start: () => void
  readonly refuse: (error: Error) => void
}

interface TurnsOptions {
  readonly concurrency: number
  readonly queueLength: number
  readonly onOverload?: () => void
}

export function createTurns({ concurrency, queueLength, onOverload }: TurnsOptions): Turns {
  const waiting: Waiting[] = []
  const onceIdle: (() => void)[] = []
  let running = 0
  let averageMs = 100
  let isClosed = false

  function turn(): Promise<void> | undefined {
    if (isClosed) throw closedError()
    if (running < concurrency) {
      running += 1
      return undefined
    }
    const secondsToDrain = (averageMs * (waiting.length + 1)) / concurrency / 1000
    if (waiting.length >= queueLength) {
      onOverload?.()
      throw new HashingOverloaded(Math.max(1, Math.ceil(secondsToDrain)))
    }
    return new Promise((start, refuse) => waiting.push({ start, refuse }))
  }

  /** The turn passes straight to the next in line, so that a newcomer cannot slip in between. */
  function pass(): void {
    const next = waiting.shift()
    if (next) {
      next.start()
      return
    }
    running -= 1
    if (running === 0) for (const listener of onceIdle.splice(0)) listener()
  }

  async function take<T>(work: () => Promise<T>): Promise<T> {
    await turn()
    const startedMs = performance.now()
    try {
      return await work()
    } finally {
      averageMs += (performance.now() - startedMs - averageMs) / 8
      pass()
    }
  }

  async function close(): Promise<void> {
    isClosed = true
    for (const { refuse } of waiting.splice(0)) refuse(closedError())
    if (running > 0) await new Promise<void>((resolve) => onceIdle.push(resolve))
  }

  return { take, close, stats: () => ({ running, queued: waiting.length }) }
}

function closedError(): Error {
  return new Error('password hashing is closed')
}
