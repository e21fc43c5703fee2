import cluster, { type Worker } from 'node:cluster'
import type { Logger } from 'pino'
import { addressOf } from './address.ts'
import type { Config } from './config.ts'
import { connectDatabase } from './database.ts'
import { endWorkers } from './platform/endWorkers.ts'
import { answerScrapes } from './platform/metrics/workers.ts'
import { name } from './version.ts'

const backOffMs = { first: 500, longest: 30_000 }
/** A worker that lived this long was healthy: the next one is started without delay. */
const healthyMs = 60_000
/** So many starts in a row that came to nothing, while no worker serves, are the end. */
const failedStartsMax = 4

const gaveUp = `${name} gave up: no worker serves any more and none can be started. The last one said:`

/**
 * Keeps CLUSTER_WORKERS processes on one port. It holds the embedded database and runs the migrations once; a worker
 * that dies is replaced, ever more slowly while they die young. It ends with 1 and a sentence when none can start, or
 * none any more. A signal lets all of them finish, one after the other, and ends with 0.
 */
export const supervise = async (config: Config, log: Logger): Promise<void> => {
  const database = await connectDatabase(config, log)
  const serving = new Set<Worker>()
  const hurry = new AbortController()
  let isStopping = false
  let isComplete = false
  let failedStarts = 0
  let delayMs = 0

  const start = () => {
    if (isStopping) return
    const startedAt = performance.now()
    let failure: string | undefined
    const replace = (end: object) => {
      const isHopeless = serving.size === 0 && (!isComplete || failedStarts >= failedStartsMax)
      // What it could not say in a sentence stands on standard error already.
      if (isHopeless && isComplete) process.stderr.write(`${gaveUp}\n`)
      if (isHopeless && failure !== undefined) process.stderr.write(`${failure}\n`)
      if (isHopeless) return void stop('no worker could be started', 1)
      const livedMs = performance.now() - startedAt
      delayMs = livedMs > healthyMs ? 0 : Math.min(Math.max(delayMs * 2, backOffMs.first), backOffMs.longest)
      log.error({ ...end, reason: failure, delay_ms: delayMs }, 'a worker died and is replaced')
      setTimeout(start, delayMs)
    }
    /** The system is out of processes, memory or files: there is no worker, so nothing will tell of its exit. */
    const miss = ({ message }: Error) => {
      failedStarts += 1
      failure = `A worker cannot be started: ${message}`
      if (!isStopping) replace({})
    }
    const worker = fork(miss)
    worker?.on('error', (error) => {
      if (worker.process.pid === undefined) return miss(error)
      log.warn({ worker: worker.id, err: error }, 'a worker was not to be reached')
    })
    worker?.on('message', (message) => {
      if (isStartFailure(message)) failure = message.sentence
      if (message !== 'ready') return
      serving.add(worker)
      failedStarts = 0
      announce()
    })
    worker?.on('exit', (code, signal) => {
      if (!serving.delete(worker)) failedStarts += 1
      if (!isStopping) replace({ worker: worker.id, code, signal })
    })
  }

  const announce = () => {
    const { workers, port } = config.http
    if (isComplete || serving.size < workers) return
    isComplete = true
    log.info(`ready on ${addressOf(config.http.host, port)} (${workers} workers), API reference at /docs`)
  }

  const stop = async (reason: string, exitCode = 0) => {
    if (isStopping) return hurry.abort()
    isStopping = true
    log.info(`${reason}: draining the workers`)
    // One that does not serve yet hears no orders; it has nothing to finish either.
    for (const worker of living()) if (!serving.has(worker)) worker.process.kill('SIGTERM')
    const { drainSeconds, shutdownSeconds } = config.http
    const drainMs = serving.size === 0 ? 0 : drainSeconds * 1000
    await endWorkers(living(), { drainMs, shutdownMs: shutdownSeconds * 1000, hurry: hurry.signal, log })
    await database.release()
    log.info('stopped')
    process.exit(exitCode)
  }

  answerScrapes()
  for (let index = 0; index < config.http.workers; index += 1) start()
  process.on('SIGTERM', (signal) => stop(signal))
  process.on('SIGINT', (signal) => stop(signal))
}

/** Some of what a system refuses is thrown; the rest comes as an error of the worker. */
const fork = (miss: (error: Error) => void): Worker | undefined => {
  try {
    return cluster.fork({ MIGRATE_ON_START: 'false' })
  } catch (error) {
    process.nextTick(miss, error as Error)
  }
}

const living = (): Worker[] => Object.values(cluster.workers ?? {}).flatMap((worker) => worker ?? [])

/** What a worker sends that cannot start; of many, one tells it to people. */
export interface StartFailure {
  readonly kind: 'start.failed'
  readonly sentence: string
}

const isStartFailure = (message: unknown): message is StartFailure =>
  typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'start.failed'

/** True in the process that keeps the others. */
export const isSupervisor = ({ http: { workers } }: Config): boolean => workers > 1 && cluster.isPrimary
