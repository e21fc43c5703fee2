import { Agent } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { exchange, idleMs } from './databaseTraffic.ts'
import type { Ask, Errand } from './soakPeople.ts'

export interface SoakTraffic {
  readonly counts: { readonly requests: number; readonly connections: number }
  /** What must not happen, with how often: `auth.login: 500 internal`. */
  readonly breaches: ReadonlyMap<string, number>
  /** Finishes what was begun, sends nothing more and leaves no connection open. */
  readonly pause: () => Promise<void>
  readonly resume: () => void
  readonly stop: () => Promise<void>
}

export interface SoakOptions {
  readonly url: string
  readonly errands: readonly Errand[]
  /** Steady, whatever the answers take, as long as there is somebody free to ask. */
  readonly requestsPerSecond: number
  /** Connections that live for one request or less, besides those that are kept. */
  readonly connectionsPerSecond: number
}

const walkers = 12
const tickMs = 10

/** Sends people on errands, one after the other, and opens and closes connections of every kind next to them. */
export function startSoak({ url, errands, requestsPerSecond, connectionsPerSecond }: SoakOptions): SoakTraffic {
  const counts = { requests: 0, connections: 0 }
  const breaches = new Map<string, number>()
  const breach = (what: string) => breaches.set(what, (breaches.get(what) ?? 0) + 1)
  const turns = pacemaker(requestsPerSecond)
  let agent = new Agent({ keepAlive: true, maxSockets: walkers, timeout: idleMs })
  let isPaused = false
  let running: Promise<unknown>[] = []

  const askBy =
    (ownAgent?: Agent): Ask =>
    async (_, status, call) => {
      // Those who come alone keep a pace of their own.
      if (ownAgent === undefined) await turns()
      counts.requests++
      const answer = await exchange(ownAgent ?? agent, url, call)
      if (answer.status !== status) throw new Error(`${answer.status} ${answer.code ?? ''}`)
      return answer
    }
  /** An errand ends with its first breach: what comes next builds on it. */
  const guarded =
    (ask: Ask): Ask =>
    async (name, status, call) => {
      try {
        return await ask(name, status, call)
      } catch (error) {
        breach(`${name}: ${error instanceof Error ? error.message : error}`)
        throw error
      }
    }
  let next = 0
  const walk = async () => {
    while (!isPaused) await errands[next++ % errands.length]?.(guarded(askBy())).catch(() => {})
  }
  const visitor = async () => {
    const kind = counts.connections++ % 4
    const [head, half] = ['GET /livez HTTP/1.1\r\nhost: soak\r\n', 'POST /api/v1/auth/login HTTP/1.1\r\nhost: soak\r\n']
    if (kind === 0) return touch(url, '')
    if (kind === 1) return touch(url, head)
    if (kind === 2) return touch(url, `${half}content-type: application/json\r\ncontent-length: 99\r\n\r\n{"email`)
    const alone = new Agent({ keepAlive: false })
    await guarded(askBy(alone))('livez on a connection of its own', 200, { method: 'GET', path: '/livez' }).catch(
      () => {},
    )
    alone.destroy()
  }
  const receive = async () => {
    const doors = pacemaker(connectionsPerSecond)
    while (!isPaused) {
      await doors()
      await visitor().catch((error: Error) => breach(`a connection: ${error.message}`))
    }
  }
  const resume = () => {
    isPaused = false
    agent = new Agent({ keepAlive: true, maxSockets: walkers, timeout: idleMs })
    running = [...Array.from({ length: walkers }, walk), receive()]
  }
  const pause = async () => {
    isPaused = true
    await Promise.all(running)
    agent.destroy()
  }
  resume()
  return { counts, breaches, pause, resume, stop: pause }
}

/** Resolves so many times a second at most; time without a call is not made up for. */
function pacemaker(perSecond: number): () => Promise<void> {
  let nextAt = 0
  return async () => {
    const now = performance.now()
    nextAt = Math.max(nextAt + 1000 / perSecond, now)
    if (nextAt - now >= tickMs) await sleep(nextAt - now)
  }
}

/** Opens a connection, sends this much and hangs up without waiting for an answer. */
function touch(url: string, text: string): Promise<void> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      socket.write(text, () => socket.destroy())
    })
    socket.on('error', reject)
    socket.on('close', () => resolve())
  })
}
