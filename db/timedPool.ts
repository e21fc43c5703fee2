import { AsyncResource } from 'node:async_hooks'
import { Pool, type PoolClient, type PoolConfig } from 'pg'

type Callback = Parameters<Pool['connect']>[0]

/** A pool that tells how long each call waited for its connection, also in vain. Every query goes through `connect`. */
export class TimedPool extends Pool {
  readonly #waited: (seconds: number) => void
  readonly #keepsScope: boolean

  /** `keepsScope`: callbacks find the asynchronous scope of who waited, and not of who gave the connection back. */
  constructor(config: PoolConfig, waited: (seconds: number) => void, keepsScope = false) {
    super(config)
    this.#waited = waited
    this.#keepsScope = keepsScope
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
    const scoped = this.#keepsScope ? AsyncResource.bind(callback) : callback
    super.connect((...given) => {
      note()
      scoped(...given)
    })
    return undefined
  }
}
