import cluster from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { within } from './within.ts'

interface Drained {
  readonly app: { readonly stopBeingReady: () => void; readonly close: (withinMs: number) => Promise<void> }
  readonly database: { readonly release: () => Promise<void> }
  readonly config: { readonly http: { readonly drainSeconds: number; readonly shutdownSeconds: number } }
  readonly log: Logger
}

/** What may be taken beyond the time to close what is left. */
const graceMs = 3_000

/** What a supervisor tells its workers; see endWorkers. */
export type DrainOrder =
  | { readonly kind: 'drain.lookAway' | 'drain.hurry' }
  | { readonly kind: 'drain.close'; readonly withinMs: number }

const isOrder = (message: unknown): message is DrainOrder =>
  typeof message === 'object' && message !== null && 'kind' in message && String(message.kind).startsWith('drain.')

/**
 * Ends the process well on SIGTERM and SIGINT: readiness fails and load balancers get DRAIN_SECONDS to notice, then
 * what runs may finish within SHUTDOWN_SECONDS, then everything closes, or is cut off three seconds later, and the exit
 * code is 0. A second signal skips the waiting. A worker also does so step by step, as its supervisor says.
 */
export const drainOnSignal = ({ app, database, config, ...drained }: Drained): void => {
  const log = cluster.worker ? drained.log.child({ worker: cluster.worker.id }) : drained.log
  const times = { drainMs: config.http.drainSeconds * 1000, withinMs: config.http.shutdownSeconds * 1000 }
  const { hurry, untilHurry } = createHurry()
  let isStopping = false

  const stop = async (reason: string, { drainMs, withinMs }: typeof times) => {
    log.info(`${reason}: draining`)
    app.stopBeingReady()
    await Promise.race([sleep(drainMs), untilHurry])
    const done = Promise.race([app.close(withinMs), untilHurry]).then(() => true)
    if (!(await within(withinMs + graceMs, done))) log.warn('not everything came to its end in time and is cut off')
    await database.release()
    log.info('stopped')
    process.exit(0)
  }

  const begin = (reason: string, within = times) => {
    if (isStopping) return
    isStopping = true
    stop(reason, within).catch((error: unknown) => {
      log.error({ err: error }, 'shutdown failed')
      process.exit(1)
    })
  }
  const onSignal = (signal: string) => (isStopping ? hurry() : begin(signal))
  process.on('SIGTERM', onSignal)
  // A terminal sends SIGINT to all processes at once; workers wait for the word of their supervisor.
  process.on('SIGINT', cluster.isWorker ? () => {} : onSignal)
  if (!cluster.isWorker) return
  process.on('disconnect', () => onSignal('the supervisor is gone'))
  process.on('message', (message) => {
    if (!isOrder(message)) return
    if (message.kind === 'drain.lookAway') return app.stopBeingReady()
    begin('the supervisor', { drainMs: 0, withinMs: message.kind === 'drain.close' ? message.withinMs : 0 })
    if (message.kind === 'drain.hurry') hurry()
  })
}

const createHurry = () => {
  let hurry = () => {}
  const untilHurry = new Promise<void>((resolve) => {
    hurry = resolve
  })
  return { hurry, untilHurry }
}
