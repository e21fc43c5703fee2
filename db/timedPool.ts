import { Pool, type PoolClient, type PoolConfig } from 'pg'
import type { QueryObserver } from './observe.ts'

type Callback = Parameters<Pool['connect']>[0]

/** A pool that tells how long each call waited for its connection, also in vain. Every query goes through `connect`. */
export class TimedPool extends Pool {
  readonly #waited: (seconds: number) => void
  readonly #observer: QueryObserver | undefined

  /** `observer`: keeps callbacks with those who wait, whoever gave the connection back. */
  constructor(config: PoolConfig, waited: (seconds: number) => void, observer: QueryObserver | undefined) {
    super(config)
    this.#waited = waited
    this.#observer = observer
  }

  override connect(): Promise<PoolClient>
  override connect(callback: Callback): void
  override connect(callback?: Callback): Promise<PoolClient> | undefined {
    // A connection at rest is given out in the next tick; reading the clock would cost more than all else here.
    const isAtHand = this.idleCount > this.waitingCount
    const startedMs = isAtHand ? 0 : performance.now()
    if (isAtHand) this.#waited(0)
    const note = () => {
      if (!isAtHand) this.#waited((performance.now() - startedMs) / 1000)
    }
    if (!callback) {
      const connecting = super.connect()
      if (!isAtHand) connecting.then(note, note)
      return connecting
    }
    const kept = this.#observer?.keep(callback) ?? callback
    super.connect((...given) => {
      note()
      kept(...given)
    })
    return undefined
  }
}
