import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { progress } from '../server/cli/progress.ts'
import { pathAt } from './load.ts'
import { median, turns } from './rounds.ts'
import type { Server } from './servers.ts'

export interface Burst {
  readonly name: string
  /** Until the last of the connections has its first answer: the median of the rounds, and the worst of them. */
  readonly lastMs: number
  readonly worstMs: number
}

export const burstConnections = 256
const rounds = 7
const pauseMs = 200
const patienceMs = 30_000
const load = { method: 'GET', path: '/healthz', connections: burstConnections } as const

/** Opens many connections at the same moment, each with a request, and waits for the first answer on each; in turns. */
export const measureBursts = async (servers: readonly Server[]): Promise<readonly Burst[]> => {
  const taken = servers.map((): number[] => [])
  // The round before the first lets the code be compiled and counts for nothing.
  for (let round = -1; round < rounds; round += 1) {
    for (const index of turns(servers.length, round + 1)) {
      const server = servers[index]
      if (!server) continue
      progress(`${burstConnections} connections at once: ${server.name}`)
      const lastMs = await burst(server)
      if (round >= 0) taken[index]?.push(lastMs)
      await sleep(pauseMs)
    }
  }
  return servers.map(({ name }, index) => {
    const all = taken[index] ?? []
    return { name, lastMs: median(all), worstMs: Math.max(...all) }
  })
}

const burst = async (server: Server): Promise<number> => {
  const { hostname, port, host } = new URL(server.url)
  const request = `GET ${pathAt(server, load)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const startedAt = performance.now()
  const answers = Array.from({ length: burstConnections }, () => firstAnswer(hostname, Number(port), request))
  await Promise.all(answers)
  return performance.now() - startedAt
}

const firstAnswer = (host: string, port: number, request: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    const timer = setTimeout(() => socket.destroy(new Error('a connection was not answered')), patienceMs)
    socket.setEncoding('latin1').write(request)
    socket.once('close', () => clearTimeout(timer)).on('error', reject)
    socket.once('data', (text: string) => {
      socket.destroy()
      if (text.startsWith('HTTP/1.1 200')) resolve()
      else reject(new Error(`a connection was answered ${text.slice(0, 40)}`))
    })
  })
