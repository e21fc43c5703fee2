import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type CostName, costs } from './costs.ts'
import { applyLoad, type Figures, type Load } from './load.ts'
import { type Length, median } from './rounds.ts'
import type { Target } from './targets.ts'

const run = promisify(execFile)

export interface LoginOutcome {
  readonly cost: CostName
  readonly engine: string
  readonly hashesPerSecond: number
  readonly hashCpu: number
  readonly loginsPerSecond: number
  readonly serverCpu: number
  readonly postgresCpu: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Logins a second, as a part of the hashes a second in the same round. */
  readonly share: number
}

interface Parts {
  readonly target: Target
  readonly load: Load
  readonly cost: CostName
  readonly hashProgram: string
}

interface Hashing {
  readonly engine: string
  readonly perSecond: number
  readonly cpu: number
}

/** Logins beside what the hash alone allows, in turns: the same engine, as many callers, nothing else running. */
export const runLogins = async (parts: Parts, length: Length): Promise<LoginOutcome> => {
  const { target, load, cost } = parts
  await applyLoad(target, load, length.warmUpSeconds)
  const rounds: { hashing: Hashing; login: Figures }[] = []
  for (let round = 0; round < length.rounds; round += 1) {
    const hashing = await hashAlone(parts, length.seconds)
    rounds.push({ hashing, login: await applyLoad(target, load, length.seconds) })
  }
  const of = (figure: (round: (typeof rounds)[number]) => number) => median(rounds.map(figure))
  return {
    cost,
    engine: rounds[0]?.hashing.engine ?? '',
    hashesPerSecond: of(({ hashing }) => hashing.perSecond),
    hashCpu: of(({ hashing }) => hashing.cpu),
    loginsPerSecond: of(({ login }) => login.perSecond),
    serverCpu: of(({ login }) => login.serverCpu),
    postgresCpu: of(({ login }) => login.postgresCpu),
    p50Ms: of(({ login }) => login.p50Ms),
    p99Ms: of(({ login }) => login.p99Ms),
    share: of(({ hashing, login }) => login.perSecond / hashing.perSecond),
  }
}

const hashAlone = async ({ cost, load, hashProgram }: Parts, seconds: number): Promise<Hashing> => {
  const { memoryKib, iterations, parallelism } = costs[cost]
  const figures = [memoryKib, iterations, parallelism, load.connections, seconds].map(String)
  const { stdout } = await run(process.execPath, [hashProgram, ...figures], { timeout: (seconds + 30) * 1000 })
  return JSON.parse(stdout)
}
