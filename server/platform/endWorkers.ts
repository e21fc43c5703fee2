import type { Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { DrainOrder } from './drain.ts'

export interface Ending {
  /** How long readiness fails before anything closes. */
  readonly drainMs: number
  /** How long all of them together may take to finish what runs. */
  readonly shutdownMs: number
  /** Aborted when there is no time for any of it. */
  readonly hurry: AbortSignal
  readonly log: Logger
}

/** What a worker may take beyond its time to close what is left. */
const graceMs = 3_000

/**
 * Ends all workers. Readiness fails in all of them at once, or a balancer would see an instance that is ready now and
 * then. After `drainMs` they close one after the other, so that the port answers as long as it can: each may use all
 * that is left of `shutdownMs`, the next waits for no more than its share. One that has not ended by then is killed.
 */
export const endWorkers = async (workers: readonly Worker[], { drainMs, shutdownMs, hurry, log }: Ending) => {
  const ended = workers.map(untilEnded)
  const rush = () => workers.forEach((worker) => void tell(worker, { kind: 'drain.hurry' }))
  hurry.addEventListener('abort', rush)
  for (const worker of workers) tell(worker, { kind: 'drain.lookAway' })
  await pause(drainMs, hurry)
  const deadline = performance.now() + shutdownMs
  for (const [index, worker] of workers.entries()) {
    const leftMs = Math.max(0, deadline - performance.now())
    tell(worker, { kind: 'drain.close', withinMs: leftMs })
    await Promise.race([ended[index], pause(leftMs / (workers.length - index), hurry)])
  }
  const killing = setTimeout(
    () => workers.forEach((worker) => void killLiving(worker, log)),
    deadline - performance.now() + graceMs,
  )
  await Promise.all(ended)
  clearTimeout(killing)
}

const untilEnded = (worker: Worker): Promise<unknown> =>
  worker.isDead() ? Promise.resolve() : new Promise((resolve) => worker.once('exit', resolve))

const killLiving = (worker: Worker, log: Logger): void => {
  if (worker.isDead()) return
  log.error({ worker: worker.id }, 'a worker did not end in time and is killed')
  worker.process.kill('SIGKILL')
}

/** Ends early, and without an error, when there is a hurry. */
const pause = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {})

/** A worker that cannot be told is ending, which its exit says. */
const tell = (worker: Worker, order: DrainOrder): void => {
  if (worker.isConnected()) worker.send(order, undefined, () => {})
}
