import { columns } from '../output.ts'
import { barChart, colours } from './barChart.ts'
import type { Pass } from './drive.ts'
import type { Latencies } from './latencies.ts'
import { type Line, lineCharts } from './lineChart.ts'
import type { Cost, Measurement, Sample } from './measure.ts'
import { table, whole } from './table.ts'

export interface Report {
  readonly measured_at: string
  readonly machine: { readonly cores: number; readonly platform: string; readonly node: string }
  readonly server: {
    readonly url: string
    /** As in a PHC string; null where the server is not ours to know it. */
    readonly argon2: string | null
    /** Started for this, and how. */
    readonly own: boolean
  }
  readonly measurements: readonly Measurement[]
  /** What went wrong, with the next step. */
  readonly failures: readonly string[]
}

const names = ['p50', 'p90', 'p95', 'p99', 'max'] as const

/** For a terminal. */
export const textOf = ({ server, measurements }: Report): string =>
  [headline(server), ...measurements.map(blockOf)].join('\n\n')

const headline = ({ url, argon2, own }: Report['server']): string =>
  own
    ? `A server started for this at ${url}: production mode, limits and load shedding off, Argon2id ${argon2}.`
    : `The server at ${url}, whose Argon2 cost is not known here.`

const blockOf = (measurement: Measurement): string => {
  const { title, concurrency, full_speed, scheduled, server, database, client } = measurement
  const rows = [
    ['requests', `${whole(full_speed.requests)}, ${concurrency} at once`],
    ['duration', `${full_speed.seconds.toFixed(2)} s`],
    ['throughput', `${pace(full_speed.per_second)} a second`],
    ['status', statusesOf(full_speed)],
    ['transport errors', transportErrorsOf(full_speed)],
    ['CPU a request', `server ${cpuOf(server)}, database ${cpuOf(database)}, this client ${cpuOf(client)}`],
    ['resident MiB', `server ${memoryOf(server)}, database ${memoryOf(database)}, this client ${memoryOf(client)}`],
  ]
  const latencies = [
    ['latency in ms', ...names],
    ['as fast as it goes', ...cellsOf(full_speed.latencies_ms)],
    ...(scheduled
      ? [
          [
            `when due, ${pace(scheduled.rate)} a second, ${whole(scheduled.requests)} in all`,
            ...cellsOf(scheduled.latencies_ms),
          ],
        ]
      : []),
  ]
  const late = scheduled && isLate(scheduled) ? [lateness(scheduled)] : []
  return [title, columns(rows), columns(latencies), ...late].join('\n')
}

type Scheduled = NonNullable<Measurement['scheduled']>

/** A schedule that takes a twentieth longer than it should was not kept. */
const isLate = ({ requests, seconds, rate }: Scheduled): boolean => seconds > (1.05 * requests) / rate + 0.1

const lateness = ({ rate, per_second }: Scheduled): string =>
  `On the schedule only ${pace(per_second)} of ${pace(rate)} a second were answered, so requests queued up.`

/** Of what takes long there are few. */
const pace = (perSecond: number): string => (perSecond < 10 ? perSecond.toFixed(1) : whole(perSecond))
const cellsOf = (latencies: Latencies): string[] => names.map((name) => latencies[name].toFixed(1))
const cpuOf = (cost: Cost | null): string => (cost ? `${whole(cost.cpu_us_per_request)} us` : 'not known')
const memoryOf = (cost: Cost | null): string => {
  if (!cost) return 'not known'
  const { before, most, after } = cost.resident_mib
  return `${whole(before)} before, ${whole(most)} at most, ${whole(after)} after`
}
const statusesOf = ({ statuses }: Pass): string =>
  Object.entries(statuses)
    .map(([status, count]) => `${status} × ${whole(count)}`)
    .join(', ') || 'none'
const transportErrorsOf = ({ transport_errors }: Pass): string =>
  Object.entries(transport_errors)
    .map(([reason, count]) => `${reason} × ${whole(count)}`)
    .join(', ') || '0'

/** For a file, with the charts beside it. */
export const markdownOf = (report: Report): string => {
  const { measured_at, machine, server, measurements, failures } = report
  const scheduled = measurements.flatMap(({ title, scheduled: pass }) => (pass ? [{ title, ...pass }] : []))
  return [
    '# Benchmark',
    `${headline(server)} ${measured_at}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}; client, server and database share them where they run on one machine.`,
    ...(failures.length === 0 ? [] : [failures.map((failure) => `- ${failure}`).join('\n')]),
    '## As fast as it goes',
    table(
      ['scenario', 'requests', 'concurrency', 'duration', 'throughput', ...names, 'status', 'transport errors'],
      measurements.map(({ title, concurrency, full_speed: pass }) => [
        ...[title, whole(pass.requests), whole(concurrency), `${pass.seconds.toFixed(1)} s`],
        ...[`${pace(pass.per_second)} req/s`, ...outcomeOf(pass)],
      ]),
    ),
    '## On a schedule, from when each request was due',
    table(
      ['scenario', 'requests', 'due', 'answered', ...names, 'status', 'transport errors'],
      scheduled.map((pass) => [
        ...[pass.title, whole(pass.requests), `${pace(pass.rate)} req/s`, `${pace(pass.per_second)} req/s`],
        ...outcomeOf(pass),
      ]),
    ),
    ...scheduled.filter(isLate).map((pass) => `${pass.title}: ${lateness(pass)}`),
    '![Latencies](latency.svg)',
    '## CPU and memory',
    table(
      ['scenario', 'CPU a request: server', 'database', 'client', 'resident MiB: server', 'database', 'client'],
      measurements.map(({ title, ...of }) => [
        title,
        ...[of.server, of.database, of.client].map(cpuOf),
        ...[of.server, of.database, of.client].map(memoryOf),
      ]),
    ),
    '![Resident memory](memory.svg)\n',
  ].join('\n\n')
}

const outcomeOf = (pass: Pass): string[] => [
  ...cellsOf(pass.latencies_ms).map((cell) => `${cell} ms`),
  statusesOf(pass),
  transportErrorsOf(pass),
]

/** Each percentile as the two ways of counting have it. */
export const latencyChart = ({ measurements }: Report): string =>
  barChart(
    'Latencies in milliseconds',
    measurements.map(({ title, full_speed, scheduled }) => ({
      title: `${title}: milliseconds`,
      bars: names.flatMap((name) => [
        { label: `${name}, as fast as it goes`, value: full_speed.latencies_ms[name], colour: colours.other },
        ...(scheduled
          ? [{ label: `${name}, from when it was due`, value: scheduled.latencies_ms[name], colour: colours.own }]
          : []),
      ]),
    })),
  )

/** What server and database held while they were asked as fast as it goes. */
export const memoryChart = ({ measurements }: Report): string =>
  lineCharts(
    'Resident memory in MiB',
    measurements.map(({ title, memory }) => {
      const seconds = memory.at(-1)?.seconds ?? 0
      return {
        title: `${title}: resident MiB`,
        marks: [0, seconds].map((at) => [at, `${at.toFixed(at < 10 ? 1 : 0)} s`]),
        lines: [
          { label: 'server', colour: colours.own, points: pointsOf(memory, 'server_mib') },
          { label: 'database', colour: colours.other, points: pointsOf(memory, 'database_mib') },
        ].filter(({ points }) => points.length > 0),
      }
    }),
  )

const pointsOf = (memory: readonly Sample[], of: 'server_mib' | 'database_mib'): Line['points'] =>
  memory.flatMap(({ seconds, [of]: mib }) => (mib === null ? [] : [[seconds, mib] as const]))
