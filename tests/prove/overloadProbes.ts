import { setTimeout as sleep } from 'node:timers/promises'

export interface ProbesSeen {
  readonly asked: number
  /** With 200, in time; `/readyz` may say 503, where its own question waits for a connection for a second. */
  readonly answered: number
  readonly notReady: number
  readonly slowestMs: number
  readonly wrong: readonly string[]
}

const everyMs = 200
const patienceMs = 2_000
const paths = ['/livez', '/healthz', '/readyz']

/** Asks the probes in turn, as an orchestrator does, until it is stopped. */
export function startProbes(url: string): { stop: () => Promise<ProbesSeen> } {
  const seen = { asked: 0, answered: 0, notReady: 0, slowestMs: 0, wrong: [] as string[] }
  let isStopped = false
  const ask = async (path: string) => {
    const startedAt = performance.now()
    seen.asked++
    const { status } = await fetch(url + path, { signal: AbortSignal.timeout(patienceMs) })
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedAt)
    const isNotReady = path === '/readyz' && status === 503
    if (isNotReady) seen.notReady++
    if (status === 200 || isNotReady) seen.answered++
    else seen.wrong.push(`${path} ${status}`)
  }
  const asking = (async () => {
    for (let turn = 0; !isStopped; turn++) {
      const path = paths[turn % paths.length] ?? ''
      await ask(path).catch((error: Error) => seen.wrong.push(`${path} ${error.name}`))
      await sleep(everyMs)
    }
  })()
  return {
    async stop() {
      isStopped = true
      await asking
      return seen
    },
  }
}
