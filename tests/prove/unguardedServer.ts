/**
 * The server with one of its guards taken away, named by the first argument: what the proof of the database must not
 * pass with. The guards are taken from outside; the server has no switch for it.
 */
import { Pool, type PoolClient } from 'pg'

/** A pool that nobody listens to: a lost connection at rest becomes an exception that nobody catches. */
const removeListeners = () => {
  const { on } = Pool.prototype
  Pool.prototype.on = function (this: Pool, name: string, ...rest: unknown[]) {
    return name === 'error' || name === 'connect' ? this : Reflect.apply(on, this, [name, ...rest])
  } as typeof on
}

/** Errors that no longer tell what they are, as when a layer wraps them and drops the cause. */
const hideReasons = () => {
  const { connect } = Pool.prototype
  Pool.prototype.connect = function (this: Pool, ...given: unknown[]) {
    const result: unknown = Reflect.apply(connect, this, given)
    const hide = () => {
      throw new Error('something broke')
    }
    return result instanceof Promise ? (result as Promise<PoolClient>).catch(hide) : result
  } as typeof connect
}

const guards: Readonly<Record<string, () => void>> = { listeners: removeListeners, reasons: hideReasons }
guards[process.argv[2] ?? '']?.()
await import('../../server/main.ts')
