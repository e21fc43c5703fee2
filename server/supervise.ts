import cluster, { type Worker } from 'node:cluster'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { connectDatabase } from './database.ts'
import { answerScrapes } from './platform/metrics/workers.ts'
import { addressOf } from './serve.ts'

const backOffMs = { first: 500, longest: 30_000 }
/** A worker that lived this long was healthy: the next one is started without delay. */
const healthyMs = 60_000

/**
 * Keeps CLUSTER_WORKERS processes on one port. It holds the embedded database and runs the migrations once; a worker
 * that dies is replaced, ever more slowly while they die young. A signal lets all of them finish, and ends with 0.
 */
export const supervise = async (config: Config, log: Logger): Promise<void> => {
  const database = await connectDatabase(config, log)
  const { workers } = config.http
  let isStopping = false
  let delayMs = 0
  let ready = 0

  const start = () => {
    if (isStopping) return
    const startedAt = performance.now()
    const worker = cluster.fork({ MIGRATE_ON_START: 'false' })
    worker.on('message', (message) => {
      if (message !== 'ready') return
      ready += 1
      if (ready === workers)
        log.info(`ready on ${addressOf(config, config.http.port)} (${workers} workers), API reference at /docs`)
    })
    worker.on('exit', (code, signal) => {
      if (isStopping) return
      // It has said why; trying again would not change it.
      if (ready === 0) return void stop('a worker could not start', 1)
      const livedMs = performance.now() - startedAt
      delayMs = livedMs > healthyMs ? 0 : Math.min(Math.max(delayMs * 2, backOffMs.first), backOffMs.longest)
      log.error({ worker: worker.id, code, signal, delay_ms: delayMs }, 'a worker died and is replaced')
      setTimeout(start, delayMs)
    })
  }

  const stop = async (reason: string, exitCode = 0) => {
    if (isStopping) return void eachWorker((worker) => worker.process.kill('SIGTERM'))
    isStopping = true
    log.info(`${reason}: draining the workers`)
    const ended = eachWorker((worker) => {
      worker.process.kill('SIGTERM')
      return new Promise((resolve) => worker.once('exit', resolve))
    })
    await Promise.all(ended)
    await database.release()
    log.info('stopped')
    process.exit(exitCode)
  }

  answerScrapes()
  for (let index = 0; index < workers; index += 1) start()
  process.on('SIGTERM', (signal) => stop(signal))
  process.on('SIGINT', (signal) => stop(signal))
}

const eachWorker = <T>(visit: (worker: Worker) => T): T[] =>
  Object.values(cluster.workers ?? {}).flatMap((worker) => (worker ? [visit(worker)] : []))

/** True in the process that keeps the others. */
export const isSupervisor = ({ http: { workers } }: Config): boolean => workers > 1 && cluster.isPrimary
