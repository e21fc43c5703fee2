import cluster from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'

interface Drained {
  readonly app: { readonly stopBeingReady: () => void; readonly close: (withinMs: number) => Promise<void> }
  readonly database: { readonly release: () => Promise<void> }
  readonly config: { readonly http: { readonly drainSeconds: number; readonly shutdownSeconds: number } }
  readonly log: Logger
}

/**
 * Ends the process well on SIGTERM and SIGINT: readiness fails and load balancers get DRAIN_SECONDS to notice, then
 * what runs may finish within SHUTDOWN_SECONDS, then everything closes and the exit code is 0. A second signal skips
 * the waiting.
 */
export const drainOnSignal = ({ app, database, config, log }: Drained): void => {
  const { drainSeconds, shutdownSeconds } = config.http
  let signals = 0
  let hurry = () => {}
  const hurried = new Promise<void>((resolve) => {
    hurry = resolve
  })

  const stop = async (signal: string) => {
    log.info(`${signal}: draining`)
    app.stopBeingReady()
    await Promise.race([sleep(drainSeconds * 1000), hurried])
    await Promise.race([app.close(shutdownSeconds * 1000), hurried])
    await database.release()
    log.info('stopped')
    process.exit(0)
  }

  const onSignal = (signal: string) => {
    signals += 1
    if (signals > 1) return hurry()
    stop(signal).catch((error: unknown) => {
      log.error({ err: error }, 'shutdown failed')
      process.exit(1)
    })
  }
  process.on('SIGTERM', onSignal)
  // A terminal sends SIGINT to all processes at once; workers wait for the word of their supervisor.
  process.on('SIGINT', cluster.isWorker ? () => {} : onSignal)
  if (cluster.isWorker) process.on('disconnect', () => onSignal('the supervisor is gone'))
}
