export interface CoalesceOptions {
  /** The most keys in one read. */
  readonly maxBatch: number
  /** The most reads at a time; while they run, new keys gather for the next. Default 2. */
  readonly maxReads?: number
}

interface Waiting<V> {
  readonly promise: Promise<V | undefined>
  readonly resolve: (value: V | undefined) => void
  readonly reject: (error: unknown) => void
}

/**
 * Turns a read of many keys into a function of one: calls made while the event loop is busy go out as one read. A read
 * begins after every call it answers, so an answer is never older than its call. The same key twice shares a row; a key
 * that the read does not return is undefined; a read that fails rejects its own calls and no others.
 */
export function coalesce<K, V>(
  read: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>,
  { maxBatch, maxReads = 2 }: CoalesceOptions,
): (key: K) => Promise<V | undefined> {
  let gathering = new Map<K, Waiting<V>>()
  let reads = 0
  let scheduled = false

  const schedule = () => {
    if (scheduled || reads >= maxReads || gathering.size === 0) return
    scheduled = true
    setImmediate(flush)
  }

  const flush = () => {
    scheduled = false
    const all = [...gathering]
    const batch = all.slice(0, maxBatch)
    gathering = new Map(all.slice(maxBatch))
    reads++
    void answer(read, batch).finally(() => {
      reads--
      schedule()
    })
    schedule()
  }

  return (key) => {
    const waiting = gathering.get(key) ?? newWaiting<V>()
    gathering.set(key, waiting)
    schedule()
    return waiting.promise
  }
}

async function answer<K, V>(
  read: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>,
  batch: [K, Waiting<V>][],
): Promise<void> {
  try {
    const rows = await read(batch.map(([key]) => key))
    for (const [key, { resolve }] of batch) resolve(rows.get(key))
  } catch (error) {
    for (const [, { reject }] of batch) reject(error)
  }
}

function newWaiting<V>(): Waiting<V> {
  let resolve: Waiting<V>['resolve'] = () => {}
  let reject: Waiting<V>['reject'] = () => {}
  const promise = new Promise<V | undefined>((...settle) => {
    ;[resolve, reject] = settle
  })
  return { promise, resolve, reject }
}
