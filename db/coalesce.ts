export interface CoalesceOptions {
  /** The most keys in one read. */
  readonly maxBatch: number
  /** The most reads at a time; while they run, new keys gather for the next. Default 2. */
  readonly maxReads?: number
  /** Has the read stand under the scopes of all who share it; see Sharing. */
  readonly sharing?: Sharing<unknown> | undefined
}

/** What callers stand in, and how to run a read in the scopes of several. */
export interface Sharing<S> {
  current(): S | undefined
  within<T>(scopes: readonly S[], work: () => T): T
}

interface Waiting<V> {
  /** Of the callers; empty where nobody asks for them. */
  readonly scopes: unknown[]
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
  { maxBatch, maxReads = 2, sharing }: CoalesceOptions,
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
    void answer(sharing ? sharedRead(read, batch, sharing) : read, batch).finally(() => {
      reads--
      schedule()
    })
    schedule()
  }

  return (key) => {
    const waiting = gathering.get(key) ?? newWaiting<V>()
    gathering.set(key, waiting)
    if (sharing) waiting.scopes.push(sharing.current())
    schedule()
    return waiting.promise
  }
}

function sharedRead<K, V>(
  read: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>,
  batch: readonly [K, Waiting<V>][],
  sharing: Sharing<unknown>,
): typeof read {
  const scopes = batch.flatMap(([, waiting]) => waiting.scopes).filter((scope) => scope !== undefined)
  return (keys) => sharing.within(scopes, () => read(keys))
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
  return { scopes: [], promise, resolve, reject }
}
