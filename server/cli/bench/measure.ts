import { drive, type Pass, type Plan } from './drive.ts'
import type { ScenarioName } from './scenarios.ts'
import { type Reading, type Usage, watchUsage } from './usage.ts'

/** What a process took for the requests, and how much memory it held before, at most and after them. */
export interface Cost {
  readonly cpu_us_per_request: number
  readonly resident_mib: { readonly before: number; readonly most: number; readonly after: number }
}

export interface Sample {
  readonly seconds: number
  readonly server_mib: number | null
  readonly database_mib: number | null
}

/** Null stands for what was not measured, or cannot be seen from here. */
export interface Measurement {
  readonly scenario: ScenarioName
  readonly title: string
  readonly expected: number
  readonly concurrency: number
  /** As fast as the connections allow, which is how goforge measures. */
  readonly full_speed: Pass
  /** On a schedule, latencies counted from when requests were due. */
  readonly scheduled: (Pass & { readonly rate: number }) | null
  /** During the pass at full speed. */
  readonly server: Cost | null
  readonly database: Cost | null
  readonly client: Cost
  readonly memory: readonly Sample[]
}

export interface Measuring extends Omit<Plan, 'rate' | 'first' | 'onAnswer'> {
  readonly name: ScenarioName
  /** Of the schedule, in requests a second; 0 for none, undefined for a share of what full speed reached. */
  readonly rate: number | undefined
  readonly progress: ((text: string) => void) | undefined
}

/** At full speed waiting is all that a queue does; here the server has a fifth of its time to spare. */
const shareOfFullSpeed = 0.8
/** So many seconds of it tell enough. */
const scheduledSeconds = 10

/** Measures one scenario at full speed, and then on a schedule. */
export const measure = async (measuring: Measuring): Promise<Measurement> => {
  const { name, scenario, concurrency, total, signal } = measuring
  const watch = startWatching(measuring.origin)
  const plan = { ...measuring, first: 0, onAnswer: progressOf(measuring, `${name}, as fast as it goes`, total) }
  const { rate: _rate, ...unscheduled } = plan
  const fullSpeed = await drive(unscheduled).finally(watch.stop)
  const costs = watch.costs(fullSpeed.requests)
  const rate = measuring.rate ?? fullSpeed.per_second * shareOfFullSpeed
  return {
    scenario: name,
    title: scenario.title,
    expected: scenario.expected,
    concurrency,
    full_speed: fullSpeed,
    scheduled: rate > 0 && !signal.aborted ? await driveOnSchedule(measuring, rate) : null,
    ...costs,
  }
}

const driveOnSchedule = async (measuring: Measuring, rate: number) => {
  const { name, total: first } = measuring
  const total = Math.max(1, Math.min(first, Math.ceil(rate * scheduledSeconds)))
  const onAnswer = progressOf(measuring, `${name}, ${Math.round(rate)} a second`, total)
  return { ...(await drive({ ...measuring, first, total, rate, onAnswer })), rate }
}

const progressMs = 250

const progressOf = ({ progress }: Measuring, what: string, total: number) => {
  if (!progress) return () => {}
  const startMs = performance.now()
  let shownMs = 0
  return (count: number) => {
    const nowMs = performance.now()
    if (nowMs - shownMs < progressMs) return
    shownMs = nowMs
    const perSecond = Math.round((count * 1000) / (nowMs - startMs))
    progress(`${what}: ${count} of ${total}, ${perSecond} a second`)
  }
}

const sampleMs = 1_000

const startWatching = (origin: URL) => {
  const read = watchUsage(origin)
  const startMs = performance.now()
  const readings = [{ atMs: startMs, ...read(), client: readSelf() }]
  const sample = () => readings.push({ atMs: performance.now(), ...read(), client: readSelf() })
  const timer = setInterval(sample, sampleMs)
  return {
    stop() {
      clearInterval(timer)
      sample()
    },
    costs(requests: number) {
      const of = (who: 'server' | 'database' | 'client') =>
        costOf(
          readings.flatMap((reading) => reading[who] ?? []),
          requests,
        )
      const memory = readings.map(({ atMs, server, database }) =>
        sampleOf((atMs - startMs) / 1000, { server, database }),
      )
      return { server: of('server'), database: of('database'), client: of('client') as Cost, memory }
    },
  }
}

const sampleOf = (seconds: number, { server, database }: Usage): Sample => ({
  seconds,
  server_mib: server?.residentMib ?? null,
  database_mib: database?.residentMib ?? null,
})

const readSelf = (): Reading => {
  const { user, system } = process.cpuUsage()
  return { cpuMicroseconds: user + system, residentMib: process.memoryUsage.rss() / 2 ** 20 }
}

const costOf = (readings: readonly Reading[], requests: number): Cost | null => {
  const [first, last] = [readings[0], readings.at(-1)]
  if (!first || !last) return null
  return {
    cpu_us_per_request: (last.cpuMicroseconds - first.cpuMicroseconds) / requests,
    resident_mib: {
      before: first.residentMib,
      most: Math.max(...readings.map(({ residentMib }) => residentMib)),
      after: last.residentMib,
    },
  }
}
