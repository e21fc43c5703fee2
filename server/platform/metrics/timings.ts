/** One sample of a metric as prom-client passes it around. */
export interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One combination of labels of a histogram. Observing costs a few additions. */
export class Series {
  readonly labels: Readonly<Record<string, string>>
  sum = 0
  readonly #bounds: readonly number[]
  /** By bucket, not cumulated; the last one has no bound. */
  readonly #counts: Float64Array

  constructor(labels: Readonly<Record<string, string>>, bounds: readonly number[]) {
    this.labels = labels
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.sum += value
  }

  samples(name: string): Sample[] {
    const { labels } = this
    let count = 0
    const samples = Array.from(this.#counts, (inBucket, index): Sample => {
      count += inBucket
      const le = index < this.#bounds.length ? String(this.#bounds[index]) : '+Inf'
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count }
    })
    samples.push(
      { metricName: `${name}_sum`, labels, value: this.sum },
      { metricName: `${name}_count`, labels, value: count },
    )
    return samples
  }
}

interface TimingsOptions {
  readonly name: string
  readonly help: string
  readonly buckets: readonly number[]
  readonly labelNames: readonly string[]
}

/**
 * A histogram that gives out its series. prom-client's own sorts and joins the labels at every observation, which
 * costs more than a microsecond a request; here that is done once a series. prom-client writes and merges it.
 */
export class Timings {
  readonly type = 'histogram'
  readonly aggregator = 'sum'
  readonly name: string
  readonly help: string
  readonly #buckets: readonly number[]
  readonly #labelNames: readonly string[]
  readonly #series = new Map<string, Series>()

  constructor({ name, help, buckets, labelNames }: TimingsOptions) {
    this.name = name
    this.help = help
    this.#buckets = buckets
    this.#labelNames = labelNames
  }

  /** The series of these labels, made on first use. */
  series(labels: Readonly<Record<string, string>>): Series {
    const key = JSON.stringify(this.#labelNames.map((label) => labels[label]))
    const known = this.#series.get(key)
    if (known) return known
    const series = new Series(labels, this.#buckets)
    this.#series.set(key, series)
    return series
  }

  /** Called by prom-client at a scrape. */
  get() {
    const { name, help, type, aggregator } = this
    return {
      name,
      help,
      type,
      aggregator,
      values: [...this.#series.values()].flatMap((series) => series.samples(name)),
    }
  }

  reset(): void {
    this.#series.clear()
  }
}
