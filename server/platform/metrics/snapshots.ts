import { AggregatorRegistry, type Registry } from 'prom-client'
import { type MetricRow, metricTable } from './table.ts'
import { Timings, type TimingsSnapshot } from './timings.ts'

/** All metrics of a process, as they go to another one. */
export interface Snapshot {
  /** Counters and gauges. */
  readonly plain: Awaited<ReturnType<Registry['getMetricsAsJSON']>>
  readonly histograms: readonly TimingsSnapshot[]
}

export interface Readable {
  readonly snapshot: () => Promise<Snapshot>
  /** Prometheus' text format 0.0.4. */
  readonly text: () => Promise<string>
}

/** The histograms of the table, by name. */
export const createHistograms = (): ReadonlyMap<string, Timings> =>
  new Map(
    (Object.entries(metricTable) as [string, MetricRow][]).flatMap(
      ([name, { kind, help, buckets = [], labels = {} }]) =>
        kind === 'histogram' ? [[name, new Timings({ name, help, buckets, labelNames: Object.keys(labels) })]] : [],
    ),
  )

export const readable = (registry: Registry, histograms: ReadonlyMap<string, Timings>): Readable => {
  const timings = [...histograms.values()]
  return {
    snapshot: async () => ({
      plain: await registry.getMetricsAsJSON(),
      histograms: timings.map((histogram) => histogram.snapshot()),
    }),
    text: async () => [await registry.metrics(), ...timings.map((histogram) => histogram.text())].join('\n'),
  }
}

/** Several processes as one: sums, or what `merge` of the metric's row says. */
export const mergeSnapshots = (snapshots: readonly Snapshot[]): Readable => {
  const histograms = createHistograms()
  for (const snapshot of snapshots)
    for (const histogram of snapshot.histograms) histograms.get(histogram.name)?.absorb(histogram)
  return readable(AggregatorRegistry.aggregate(snapshots.map(({ plain }) => plain)), histograms)
}

/** What only ever grows; what a process holds at the moment is left out. */
export const totalsOf = ({ plain, histograms }: Snapshot): Snapshot => ({
  // The typings give `type` as a number; it is the word of the output.
  plain: plain.filter(({ type }) => String(type) === 'counter'),
  histograms,
})
