import { progress } from '../server/cli/progress.ts'
import { applyLoad, type Figures, type Load } from './load.ts'
import type { Server } from './servers.ts'

export interface Length {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

/** What one server came to: medians of the rounds, and of the rounds' own ratios to each of the servers, by name. */
export interface Row extends Figures {
  readonly name: string
  /** Its CPU a request as a multiple of another's. */
  readonly cpuRatios: Readonly<Record<string, number>>
  /** Its requests a second as a multiple of another's. */
  readonly rateRatios: Readonly<Record<string, number>>
}

export interface Outcome {
  readonly title: string
  readonly rows: readonly Row[]
}

/**
 * Loads servers in turns, so that what else the machine does meets all of them; every round begins with another one.
 * A round that counts for nothing lets the code be compiled.
 */
export const compare = async (load: Load, servers: readonly Server[], length: Length): Promise<Outcome> => {
  const title = `${load.method} ${load.path}, ${load.connections} connections`
  for (const server of servers) {
    progress(`${title}: ${server.name} warms up`)
    await warmUp(server, load, length.warmUpSeconds)
  }
  const rounds: Figures[][] = []
  for (let round = 0; round < length.rounds; round += 1) {
    const figures: Figures[] = []
    for (const index of turns(servers.length, round)) {
      const server = servers[index]
      if (!server) continue
      progress(`${title}: round ${round + 1} of ${length.rounds}, ${server.name}`)
      figures[index] = await applyLoad(server, load, length.seconds)
    }
    rounds.push(figures)
  }
  return { title, rows: rowsOf(servers, rounds) }
}

const warm = { calls: 3_000, turns: 5 }

/** Code is compiled by calls, not by seconds: where a crowded machine lets few through, it takes longer. */
const warmUp = async (server: Server, load: Load, seconds: number): Promise<void> => {
  let served = 0
  for (let turn = 0; turn < warm.turns && served < warm.calls; turn += 1)
    served += (await applyLoad(server, load, seconds)).requests
}

/** Whose turn it is in a round, by index. */
export const turns = (count: number, first: number): number[] =>
  Array.from({ length: count }, (_, turn) => (first + turn) % count)

/** The figures of each round, in the order of the servers. */
export const rowsOf = (servers: readonly Server[], rounds: readonly (readonly Figures[])[]): Row[] =>
  servers.map(({ name }, index) => {
    const ratios = (of: 'serverCpu' | 'perSecond') =>
      Object.fromEntries(servers.map((other, at) => [other.name, median(rounds.map(ratioOf(of, index, at)))]))
    const figures = medians(rounds.flatMap((round) => round[index] ?? []))
    return { name, ...figures, cpuRatios: ratios('serverCpu'), rateRatios: ratios('perSecond') }
  })

const ratioOf = (of: 'serverCpu' | 'perSecond', one: number, other: number) => (round: readonly Figures[]) =>
  (round[one]?.[of] ?? 0) / (round[other]?.[of] ?? 0)

/** The median of each figure. */
export const medians = (rounds: readonly Figures[]): Figures => {
  const of = (name: keyof Figures) => median(rounds.map((figures) => figures[name]))
  return {
    requests: of('requests'),
    perSecond: of('perSecond'),
    serverCpu: of('serverCpu'),
    postgresCpu: of('postgresCpu'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
  }
}

/** The middle one; of an even number the upper of the two. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
