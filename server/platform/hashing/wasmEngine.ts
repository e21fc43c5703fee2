import { Worker } from 'node:worker_threads'
import type { Argon2Engine, Argon2Job } from './argon2.ts'

type Reply = { readonly hash: Uint8Array } | { readonly failure: string }

export interface WasmOptions {
  /** How long a worker without work is kept. */
  readonly idleMs: number
  readonly startWorker?: () => Worker
}

/** Without the parent's loaders, which are slow to start, and without its environment, which holds secrets. */
export function startHashWorker(): Worker {
  return new Worker(new URL('./hashWorker.js', import.meta.url), { execArgv: [], env: {} })
}

/**
 * hash-wasm in worker threads, one job a worker at a time. Starts a worker whenever none is free, so that the caller
 * bounds how many there are. Idle workers never keep the process alive; a working one does, until it has answered.
 */
export function createWasmEngine({ idleMs, startWorker = startHashWorker }: WasmOptions): Argon2Engine {
  const all = new Set<Worker>()
  const idle = new Map<Worker, NodeJS.Timeout>()

  function start(): Worker {
    const worker = startWorker()
    all.add(worker)
    const forget = () => {
      clearTimeout(idle.get(worker))
      idle.delete(worker)
      all.delete(worker)
    }
    // 'error' without a listener would end the process when an idle worker fails.
    return worker.on('error', forget).on('exit', forget)
  }

  /** The one that rested least, so that the others come to their end when there is less to do. */
  function takeIdle(): Worker | undefined {
    const worker = [...idle.keys()].at(-1)
    if (worker === undefined) return undefined
    clearTimeout(idle.get(worker))
    idle.delete(worker)
    return worker
  }

  function rest(worker: Worker): void {
    if (!all.has(worker)) return
    worker.unref()
    idle.set(worker, setTimeout(() => void worker.terminate(), idleMs).unref())
  }

  async function derive(job: Argon2Job): Promise<Uint8Array> {
    const worker = takeIdle() ?? start()
    const reply = await ask(worker, job)
    rest(worker)
    if ('failure' in reply) throw new Error(reply.failure)
    return reply.hash
  }

  async function close(): Promise<void> {
    await Promise.all([...all].map((worker) => worker.terminate()))
  }

  return { name: 'wasm', derive, close }
}

/** Rejects when the worker dies before it answers. */
async function ask(worker: Worker, job: Argon2Job): Promise<Reply> {
  const listeners = new AbortController()
  try {
    return await new Promise<Reply>((resolve, reject) => {
      const died = (code: number) => reject(new Error(`the hash worker ended with code ${code}`))
      worker.ref()
      worker.once('message', resolve).once('error', reject).once('exit', died)
      listeners.signal.addEventListener('abort', () => {
        worker.off('message', resolve).off('error', reject).off('exit', died)
      })
      // Copies: a Buffer is often a view of a shared pool, and posting it would send the whole pool.
      worker.postMessage({ ...job, password: Uint8Array.from(job.password), salt: Uint8Array.from(job.salt) })
    })
  } finally {
    listeners.abort()
  }
}
