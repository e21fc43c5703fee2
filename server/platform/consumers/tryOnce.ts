import type { Logger } from 'pino'
import type { Db } from '../../../db/client.ts'
import type { Database } from '../../../db/database.ts'
import type { LoggedEvent } from '../events/loggedEvent.ts'
import { traceHandling } from '../tracing/messages.ts'
import type { Span } from '../tracing/span.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { ConsumerEffects } from './consumer.ts'
import { effectsOf } from './effects.ts'
import type { Holding } from './holding.ts'
import { asEvent } from './partition.ts'

/**
 * How a try ended. `confirmed`: handled, and written down with the effect. `stopped`: the server stops, or the partition
 * is given away, and the handler heeded it.
 */
export type Outcome =
  | { readonly kind: 'handled' | 'confirmed' | 'lost' | 'stopped' }
  | { readonly kind: 'failed'; readonly error: unknown }

/** A confirmed try is a handled one to whoever counts. */
export type Ending = Exclude<Outcome['kind'], 'confirmed'>

export interface TryParts {
  readonly database: Database
  readonly log: Logger
  readonly onRecorded: () => void
  readonly tracing?: Tracing | undefined
  /** Told of every try and how it ended, and of every event that is given up. */
  readonly onTried?: (consumer: string, outcome: Ending) => void
  readonly onBuried?: (consumer: string) => void
}

interface Try {
  readonly holding: Holding
  readonly event: LoggedEvent
  /** Which one it is, from 1. */
  readonly attempt: number
  /** Writes down in the handler's transaction that the event is handled. No row: somebody else has the partition. */
  readonly settle: (db: Db) => Promise<readonly unknown[]>
}

/** Another instance has the partition, so nothing of this try may be committed. */
class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

class HandlerTooSlow extends Error {
  override readonly name = 'HandlerTooSlow'
}

/** Hands an event to its handler once. Never rejects. */
export const tryOnce = async (given: Try, parts: TryParts): Promise<Outcome> => {
  const outcome = await tryTraced(given, parts)
  parts.onTried?.(given.holding.consumer.name, outcome.kind === 'confirmed' ? 'handled' : outcome.kind)
  return outcome
}

const tryTraced = (given: Try, parts: TryParts): Promise<Outcome> => {
  const { tracing } = parts
  if (!tracing) return tryUntraced(given, parts)
  const { event, attempt } = given
  return traceHandling(tracing, { event, attempt, name: given.holding.consumer.name }, async (span) => {
    const outcome = await tryUntraced(given, parts, span)
    if (outcome.kind === 'failed') span.fail(outcome.error)
    span.set('tsforge.outcome', outcome.kind)
    return outcome
  })
}

const tryUntraced = async (given: Try, parts: TryParts, span?: Span): Promise<Outcome> => {
  const { holding, event, settle } = given
  const log = parts.log.child({ consumer: holding.consumer.name, attempt: given.attempt })
  const deadline = new Deadline(holding.consumer.withinSeconds * 1_000)
  const effects = effectsOf(event, { ...parts, log }, span)
  const bound = bindTransaction(effects.transaction, settle, deadline.signal)
  const run = async () => {
    // A key that cannot be told fails here, where it is counted and kept.
    holding.consumer.key(asEvent(event))
    const signal = AbortSignal.any([holding.signal, deadline.signal])
    const { lease } = holding
    const { transaction } = bound
    await holding.consumer.handle(asEvent(event), { ...effects, transaction, signal, lease, attempt: given.attempt })
    await bound.ended()
  }
  try {
    await deadline.race(run())
  } catch (error) {
    if (bound.isCommitted()) {
      effects.log.error({ err: error }, 'a consumer failed behind its transaction; the event is not tried again')
      return { kind: 'confirmed' }
    }
    if (error instanceof LeaseLost || holding.isLost) return { kind: 'lost' }
    return holding.isOver ? { kind: 'stopped' } : { kind: 'failed', error }
  } finally {
    deadline.clear()
  }
  return { kind: bound.isCommitted() ? 'confirmed' : 'handled' }
}

/** Joins the handler's effect and the confirmation in one transaction, once. */
const bindTransaction = (transact: ConsumerEffects['transaction'], settle: Try['settle'], late: AbortSignal) => {
  let running: Promise<unknown> | undefined
  let isCommitted = false
  const transaction: ConsumerEffects['transaction'] = (work, scope) => {
    if (running) throw new Error('a consumer may call transaction once an event')
    const committed = transact(async (tx) => {
      const result = await work(tx)
      // At the end, so that the row is locked no longer than the COMMIT takes.
      if (late.aborted || (await settle(tx)).length === 0) throw new LeaseLost()
      return result
    }, scope).then((result) => {
      isCommitted = true
      return result
    })
    // A transaction that failed fails the try, whether the handler waits for it or not.
    committed.catch(() => {})
    running = committed
    return committed
  }
  return { transaction, isCommitted: () => isCommitted, ended: async () => void (await running) }
}

/** A handler that ignores its signal is not waited for any longer than this. */
class Deadline {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#controller.abort(), ms).unref()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  async race(work: Promise<void>): Promise<void> {
    work.catch(() => {})
    const passed = new Promise<never>((_, reject) => {
      this.signal.addEventListener('abort', () => reject(new HandlerTooSlow('the time for one try is up')))
    })
    passed.catch(() => {})
    await Promise.race([work, passed])
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}
