import type { PoolClient } from 'pg'
import { cut } from './cancelRequest.ts'

/** Work was to begin on a cancelled call. Nobody waits for its answer any more. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'
  constructor() {
    super('The call was cancelled.')
  }
}

/**
 * Knows the connections that work for one call, so that all of it can be ended from outside. What runs is stopped in
 * PostgreSQL and its connection closed, which rolls back; nothing more begins.
 */
export class Cancellation {
  isCancelled = false
  #committing: PoolClient | undefined
  readonly #clients: PoolClient[] = []

  /** `client` works for this call from now on. Throws Cancelled when it must not. */
  begin(client: PoolClient): void {
    if (this.isCancelled) throw new Cancelled()
    this.#clients.push(client)
  }

  /** A COMMIT is about to be sent. Throws Cancelled when it must not. */
  beginCommit(client: PoolClient): void {
    if (this.isCancelled) throw new Cancelled()
    this.#committing = client
  }

  /** `client` no longer works for this call. */
  end(client: PoolClient): void {
    if (this.#committing === client) this.#committing = undefined
    const at = this.#clients.indexOf(client)
    if (at !== -1) this.#clients.splice(at, 1)
  }

  /** False, with nothing cancelled, while a COMMIT is on its way: nobody could tell what came of it. */
  cancel(): boolean {
    if (this.#committing) return false
    this.isCancelled = true
    for (const client of this.#clients.splice(0)) cut(client)
    return true
  }
}
