import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { applyLoad, type Figures, type Load } from './load.ts'
import type { Cost } from './people.ts'
import { progress } from './progress.ts'
import { type Length, median, medians } from './rounds.ts'
import { programOf, type Server } from './servers.ts'

const run = promisify(execFile)
/** The server goes on hashing for callers that are gone. */
const settleMs = 1_000

interface Hashing {
  readonly engine: string
  readonly perSecond: number
  readonly cpu: number
}

export interface Logins extends Figures {
  /** As in a PHC string. */
  readonly hash: string
  readonly engine: string
  readonly connections: number
  readonly hashesPerSecond: number
  readonly hashCpu: number
  /** Logins a second, as a part of the hashes a second in the same round. */
  readonly share: number
}

/** Logins beside what the hash alone allows, in turns: the same engine, as many callers, nothing else running. */
export const compareLogins = async (server: Server, load: Load, { cost, length }: { cost: Cost; length: Length }) => {
  const hash = `m=${cost.memoryKib},t=${cost.iterations},p=${cost.parallelism}`
  progress(`logins at ${hash}: warming up`)
  await applyLoad(server, load, length.warmUpSeconds)
  await sleep(settleMs)
  const rounds: { hashing: Hashing; login: Figures }[] = []
  for (let round = 0; round < length.rounds; round += 1) {
    progress(`logins at ${hash}: round ${round + 1} of ${length.rounds}`)
    const hashing = await hashAlone(cost, load.connections, length.seconds)
    rounds.push({ hashing, login: await applyLoad(server, load, length.seconds) })
    await sleep(settleMs)
  }
  const logins: Logins = {
    ...medians(rounds.map(({ login }) => login)),
    hash,
    engine: rounds[0]?.hashing.engine ?? '',
    connections: load.connections,
    hashesPerSecond: median(rounds.map(({ hashing }) => hashing.perSecond)),
    hashCpu: median(rounds.map(({ hashing }) => hashing.cpu)),
    share: median(rounds.map(({ hashing, login }) => login.perSecond / hashing.perSecond)),
  }
  return logins
}

const hashAlone = async (cost: Cost, atOnce: number, seconds: number): Promise<Hashing> => {
  const figures = [cost.memoryKib, cost.iterations, cost.parallelism, atOnce, seconds].map(String)
  const { stdout } = await run(process.execPath, [programOf('hash'), ...figures], { timeout: (seconds + 60) * 1000 })
  return JSON.parse(stdout)
}
