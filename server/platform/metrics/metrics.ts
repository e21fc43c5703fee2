import { Counter, Gauge, Registry } from 'prom-client'
import { createHistograms, type Readable, readable } from './snapshots.ts'
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricName,
  type MetricRow,
  metricTable,
} from './table.ts'

/** How all parts of the server report; the names and their labels are the rows of metricTable. */
export interface Metrics extends Readable {
  /** Adds one. */
  readonly count: <Name extends CounterName>(name: Name, ...labels: LabelsOf<Name>) => void
  /** The series to observe values in. Ask once and keep it. */
  readonly timing: <Name extends HistogramName>(name: Name, ...labels: LabelsOf<Name>) => (value: number) => void
  /** Reads the value at every scrape. A second reader of the same series takes the place of the first. */
  readonly watch: <Name extends GaugeName | CounterName>(
    name: Name,
    read: () => number,
    ...labels: LabelsOf<Name>
  ) => void
}

type Labels = Readonly<Record<string, string>>

/** The metrics of one app, in a registry of their own. Counters whose labels are all listed begin at 0. */
export const createMetrics = (): Metrics => {
  const registry = new Registry()
  const counters = new Map<MetricName, Counter>()
  const histograms = createHistograms()
  const readers = new Map<MetricName, Readers>()
  for (const [name, row] of Object.entries(metricTable) as [MetricName, MetricRow][]) {
    const named = { registry, name, row }
    readers.set(name, new Map())
    if (row.kind === 'gauge') addGauge(named, of(readers, name))
    if (row.kind === 'counter') counters.set(name, addCounter(named, of(readers, name)))
  }
  return {
    count: (name, ...[labels = {}]) => of(counters, name).inc(labels),
    timing(name, ...[labels = {}]) {
      const series = of(histograms, name).series(labels)
      return (value) => series.observe(value)
    },
    watch(name, read, ...[labels = {}]) {
      of(readers, name).set(JSON.stringify(labels), { labels, read })
    },
    ...readable(registry, histograms),
  }
}

type Readers = Map<string, { readonly labels: Labels; readonly read: () => number }>

interface Named {
  readonly registry: Registry
  readonly name: MetricName
  readonly row: MetricRow
}

const addGauge = (named: Named, readers: Readers): Gauge =>
  new Gauge({
    ...shared(named),
    collect() {
      for (const { labels, read } of readers.values()) this.set(labels, read())
    },
  })

const addCounter = (named: Named, readers: Readers): Counter => {
  const counter = new Counter({
    ...shared(named),
    collect() {
      if (readers.size > 0) this.reset()
      for (const { labels, read } of readers.values()) this.inc(labels, read())
    },
  })
  for (const labels of combinations(named.row.labels)) counter.inc(labels, 0)
  return counter
}

const shared = ({ registry, name, row: { help, labels = {}, merge } }: Named) => ({
  name,
  help,
  labelNames: Object.keys(labels),
  aggregator: merge ?? ('sum' as const),
  registers: [registry],
})

/** Every combination of the listed values; none when a label has no list. */
const combinations = (labels: MetricRow['labels'] = {}): Labels[] =>
  Object.entries(labels).reduce<Labels[]>(
    (found, [name, values]) =>
      typeof values === 'string' ? [] : found.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  )

const of = <Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value => {
  const value = map.get(key)
  if (value === undefined) throw new Error(`there is no metric ${key} of this kind`)
  return value
}
