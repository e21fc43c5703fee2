import { applyLoad, type Figures, type Load } from './load.ts'
import { progress } from './progress.ts'
import type { Server } from './servers.ts'

export interface Length {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

/** What one server came to: medians of the rounds, and of the rounds' own CPU ratios to each of the servers, by name. */
export interface Row extends Figures {
  readonly name: string
  readonly cpuRatios: Readonly<Record<string, number>>
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
    await applyLoad(server, load, length.warmUpSeconds)
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
  return { title, rows: servers.map((_, index) => rowOf(servers, rounds, index)) }
}

const turns = (count: number, first: number): number[] =>
  Array.from({ length: count }, (_, turn) => (first + turn) % count)

const rowOf = (servers: readonly Server[], rounds: readonly (readonly Figures[])[], index: number): Row => ({
  name: servers[index]?.name ?? '',
  ...medians(rounds.flatMap((figures) => figures[index] ?? [])),
  cpuRatios: Object.fromEntries(
    servers.map(({ name }, other) => [
      name,
      median(rounds.map((figures) => (figures[index]?.serverCpu ?? 0) / (figures[other]?.serverCpu ?? 0))),
    ]),
  ),
})

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
