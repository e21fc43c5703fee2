import { applyLoad, type Figures, type Load } from './load.ts'
import type { Target } from './targets.ts'

/** One load on several servers. The first server is what the others are compared with. */
export interface Scenario {
  readonly title: string
  readonly load: Load
  readonly targets: readonly Target[]
}

export interface Length {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

/** What one server came to in a scenario: medians of the rounds, and of the rounds' own ratios to the first server. */
export interface Row {
  readonly name: string
  readonly figures: Figures
  /** Server CPU a request, as a multiple of the first server's in the same round. */
  readonly cpuRatio: number
  readonly lowestRatio: number
  readonly highestRatio: number
}

export interface Outcome {
  readonly title: string
  readonly rows: readonly Row[]
}

/**
 * Loads the servers of a scenario in turns, so that what else the machine does meets all of them; every round begins
 * with another one. A first round that counts for nothing lets the code be compiled.
 */
export const runScenario = async ({ title, load, targets }: Scenario, length: Length): Promise<Outcome> => {
  for (const target of targets) await applyLoad(target, load, length.warmUpSeconds)
  const rounds: Figures[][] = []
  for (let round = 0; round < length.rounds; round += 1) {
    const figures: Figures[] = []
    for (let turn = 0; turn < targets.length; turn += 1) {
      const index = (round + turn) % targets.length
      const target = targets[index]
      if (target) figures[index] = await applyLoad(target, load, length.seconds)
    }
    rounds.push(figures)
  }
  return { title, rows: targets.map(({ name }, index) => rowOf(name, rounds, index)) }
}

const rowOf = (name: string, rounds: readonly (readonly Figures[])[], index: number): Row => {
  const own = rounds.flatMap((figures) => figures[index] ?? [])
  const of = (key: keyof Figures) => median(own.map((figures) => figures[key]))
  const ratios = rounds.map((figures) => (figures[index]?.serverCpu ?? 0) / (figures[0]?.serverCpu ?? 1))
  return {
    name,
    figures: {
      requests: of('requests'),
      perSecond: of('perSecond'),
      serverCpu: of('serverCpu'),
      postgresCpu: of('postgresCpu'),
      p50Ms: of('p50Ms'),
      p99Ms: of('p99Ms'),
    },
    cpuRatio: median(ratios),
    lowestRatio: Math.min(...ratios),
    highestRatio: Math.max(...ratios),
  }
}

/** The middle one; of an even number the upper of the two. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
