/** Milliseconds. */
export interface Latencies {
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** Sorts `milliseconds`. A percentile is the measured value at its share of the last index, rounded down, as goforge has it. */
export const latenciesOf = (milliseconds: Float64Array): Latencies => {
  const sorted = milliseconds.sort()
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: at(1) }
}
