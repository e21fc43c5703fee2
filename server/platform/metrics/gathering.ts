import { within } from '../within.ts'
import { mergeSnapshots, type Snapshot, totalsOf } from './snapshots.ts'

/** A worker whose metrics are wanted. `ask` resolves to undefined when it ends instead of answering. */
export interface Peer {
  readonly id: number
  readonly ask: () => Promise<Snapshot | undefined>
}

export interface Gathering {
  /** The metrics of all as one text. Calls at the same time share one. Never rejects because of a worker. */
  readonly gather: (peers: () => readonly Peer[]) => Promise<string>
  /** The worker has ended. */
  readonly forget: (id: number) => void
}

/**
 * Makes one scrape of several workers. What a worker had counted when it was last asked stays in the totals when it
 * is late or gone: they would fall otherwise, which Prometheus takes for a restart and counts everything anew.
 */
export const createGathering = ({ waitMs }: { readonly waitMs: number }): Gathering => {
  const last = new Map<number, Snapshot>()
  let departed: Snapshot[] = []
  let running: Promise<string> | undefined

  const lastTotals = (id: number): Snapshot[] => {
    const known = last.get(id)
    return known ? [totalsOf(known)] : []
  }

  const ask = async ({ id, ask: askPeer }: Peer): Promise<{ id: number; snapshot: Snapshot | undefined }> => {
    const snapshot = await within(waitMs, askPeer())
    if (snapshot) last.set(id, snapshot)
    return { id, snapshot }
  }

  const gatherOnce = async (peers: readonly Peer[]): Promise<string> => {
    const gone = departed
    // Others may go meanwhile.
    if (gone.length > 1) departed = [await mergeSnapshots(gone).snapshot(), ...departed.slice(gone.length)]
    const answers = await Promise.all(peers.map(ask))
    // One that answered and ended while others were waited for is among the departed.
    const parts = answers.flatMap(({ id, snapshot }) => (last.has(id) && snapshot ? snapshot : lastTotals(id)))
    return mergeSnapshots([...parts, ...departed]).text()
  }

  return {
    gather(peers) {
      running ??= gatherOnce(peers()).finally(() => {
        running = undefined
      })
      return running
    },
    forget(id) {
      departed = [...departed, ...lastTotals(id)]
      last.delete(id)
    },
  }
}
