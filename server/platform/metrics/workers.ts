import cluster, { type Worker } from 'node:cluster'
import { refuse } from '../../rpc/failure.ts'
import { createGathering, type Peer } from './gathering.ts'
import type { Metrics } from './metrics.ts'
import type { Snapshot } from './snapshots.ts'

/** How long the supervisor waits for a worker, and a worker for the supervisor. */
const waitMs = { worker: 1_000, supervisor: 2_000 }

/** What the supervisor and its workers say to each other about metrics. */
type Word =
  | { readonly kind: 'metrics.scrape' | 'metrics.ask'; readonly id: number }
  | { readonly kind: 'metrics.own'; readonly id: number; readonly snapshot: Snapshot }
  | { readonly kind: 'metrics.all'; readonly id: number; readonly text: string }

const isWord = (message: unknown): message is Word =>
  typeof message === 'object' && message !== null && 'kind' in message && String(message.kind).startsWith('metrics.')

export interface Scraping {
  /** The metrics of this process, or of all workers where it is one. Rejects with 503 when the supervisor is silent. */
  readonly scrape: () => Promise<string>
  readonly close: () => void
}

/** Any worker may be the one that is asked; the supervisor puts together what all of them say. */
export const createScraping = (metrics: Metrics): Scraping =>
  cluster.isWorker ? scrapeThroughSupervisor(metrics) : { scrape: metrics.text, close() {} }

const scrapeThroughSupervisor = (metrics: Metrics): Scraping => {
  const waiting = new Map<number, (text: string) => void>()
  let scrapes = 0
  const hear = (message: unknown) => {
    if (!isWord(message)) return
    if (message.kind === 'metrics.all') waiting.get(message.id)?.(message.text)
    if (message.kind === 'metrics.ask') void tellOwn(metrics, message.id)
  }
  process.on('message', hear)
  return {
    scrape() {
      const id = ++scrapes
      return new Promise<string>((resolve, reject) => {
        const end = (settle: () => void) => {
          clearTimeout(timer)
          waiting.delete(id)
          settle()
        }
        const silence = () => reject(refuse('unavailable', { meta: { reason: 'the supervisor does not answer' } }))
        const timer = setTimeout(() => end(silence), waitMs.supervisor)
        waiting.set(id, (text) => end(() => resolve(text)))
        tellSupervisor({ kind: 'metrics.scrape', id })
      })
    },
    close: () => void process.off('message', hear),
  }
}

const tellOwn = async (metrics: Metrics, id: number) =>
  tellSupervisor({ kind: 'metrics.own', id, snapshot: await metrics.snapshot() })

/** A supervisor that is gone is noticed elsewhere. */
const tellSupervisor = (word: Word): void => void process.send?.(word, undefined, undefined, () => {})

/** In the supervisor: answers workers that are asked for the metrics of all. */
export const answerScrapes = (): void => {
  const gathering = createGathering({ waitMs: waitMs.worker })
  const pending = new Map<number, { readonly worker: number; readonly settle: (snapshot?: Snapshot) => void }>()
  let asked = 0

  const ask = (worker: Worker): Promise<Snapshot | undefined> =>
    new Promise((resolve) => {
      const id = ++asked
      const settle = (snapshot?: Snapshot) => {
        pending.delete(id)
        resolve(snapshot)
      }
      pending.set(id, { worker: worker.id, settle })
      tell(worker, { kind: 'metrics.ask', id })
    })

  cluster.on('message', async (worker, message: unknown) => {
    if (!isWord(message)) return
    if (message.kind === 'metrics.own') pending.get(message.id)?.settle(message.snapshot)
    if (message.kind === 'metrics.scrape') {
      const text = await gathering.gather(() => workers().map((one): Peer => ({ id: one.id, ask: () => ask(one) })))
      tell(worker, { kind: 'metrics.all', id: message.id, text })
    }
  })
  cluster.on('exit', ({ id }) => {
    for (const { worker, settle } of pending.values()) if (worker === id) settle()
    gathering.forget(id)
  })
}

const workers = () => Object.values(cluster.workers ?? {}).flatMap((worker) => (worker?.isConnected() ? worker : []))

/** A worker that cannot be told is ending, which its exit says. */
const tell = (worker: Worker, word: Word): void => void worker.send(word, undefined, () => {})
