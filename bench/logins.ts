import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { cpuMicroseconds } from '../server/cli/bench/processes.ts'
import { progress } from '../server/cli/progress.ts'
import { applyLoad, type Figures, type Load } from './load.ts'
import type { Cost } from './people.ts'
import { type Length, median, type Row, rowsOf, turns } from './rounds.ts'
import { programOf, type Server } from './servers.ts'

const run = promisify(execFile)
const idle = { lookMs: 250, cpuMs: 30, patienceMs: 60_000 }

interface Hashing {
  readonly engine: string
  readonly perSecond: number
  readonly cpu: number
}

export interface LoginRow extends Row {
  /** Logins a second, as a part of the hashes a second in the same round. */
  readonly share: number
}

export interface Logins {
  /** As in a PHC string. */
  readonly hash: string
  readonly engine: string
  readonly connections: number
  readonly hashesPerSecond: number
  readonly hashCpu: number
  readonly rows: readonly LoginRow[]
}

interface Comparison {
  readonly cost: Cost
  readonly length: Length
}

/** Logins beside what the hash alone allows, in turns: the same engine, as many callers, nothing else running. */
export const compareLogins = async (
  servers: readonly Server[],
  load: Load,
  { cost, length }: Comparison,
): Promise<Logins> => {
  const hash = `m=${cost.memoryKib},t=${cost.iterations},p=${cost.parallelism}`
  const logIn = async (server: Server, what: string, seconds: number) => {
    progress(`logins at ${hash}: ${server.name}, ${what}`)
    const figures = await applyLoad(server, load, seconds)
    await untilIdle(server)
    return figures
  }
  for (const server of servers) await logIn(server, 'warming up', length.warmUpSeconds)
  const hashings: Hashing[] = []
  const rounds: Figures[][] = []
  for (let round = 0; round < length.rounds; round += 1) {
    progress(`logins at ${hash}: the hash alone`)
    hashings.push(await hashAlone(cost, load.connections, length.seconds))
    const figures: Figures[] = []
    for (const index of turns(servers.length, round)) {
      const server = servers[index]
      if (server) figures[index] = await logIn(server, `round ${round + 1} of ${length.rounds}`, length.seconds)
    }
    rounds.push(figures)
  }
  const shareOf = (index: number) => (figures: readonly Figures[], round: number) =>
    (figures[index]?.perSecond ?? 0) / (hashings[round]?.perSecond ?? 0)
  return {
    hash,
    engine: hashings[0]?.engine ?? '',
    connections: load.connections,
    hashesPerSecond: median(hashings.map(({ perSecond }) => perSecond)),
    hashCpu: median(hashings.map(({ cpu }) => cpu)),
    rows: rowsOf(servers, rounds).map((row, index) => ({ ...row, share: median(rounds.map(shareOf(index))) })),
  }
}

/** A server goes on hashing for callers that are gone, which must not be measured with what comes next. */
const untilIdle = async ({ pid, name }: Server): Promise<void> => {
  const deadline = performance.now() + idle.patienceMs
  let before = cpuMicroseconds(pid)
  for (;;) {
    await sleep(idle.lookMs)
    const now = cpuMicroseconds(pid)
    if (now - before < idle.cpuMs * 1000) return
    if (performance.now() > deadline) throw new Error(`${name} does not come to rest`)
    before = now
  }
}

const hashAlone = async (cost: Cost, atOnce: number, seconds: number): Promise<Hashing> => {
  const figures = [cost.memoryKib, cost.iterations, cost.parallelism, atOnce, seconds].map(String)
  const { stdout } = await run(process.execPath, [programOf('bare/hash'), ...figures], {
    timeout: (seconds + 60) * 1000,
  })
  return JSON.parse(stdout)
}
