import { sum } from './numbers.ts'

/** A straight line through measurements, by least squares. */
export interface Trend {
  /** In units of the measurements an hour. */
  readonly slopePerHour: number
  /** Standard error of the slope: what it may be off by, about two times in three. */
  readonly errorPerHour: number
}

export interface Measurement {
  readonly atMs: number
  readonly value: number
}

const hourMs = 3_600_000

/** Needs three measurements or more, not all at the same time. */
export function trendOf(measurements: readonly Measurement[]): Trend {
  const count = measurements.length
  const middle = mean(measurements.map(({ atMs }) => atMs))
  const height = mean(measurements.map(({ value }) => value))
  const spread = sum(measurements.map(({ atMs }) => (atMs - middle) ** 2))
  const slope = sum(measurements.map(({ atMs, value }) => (atMs - middle) * (value - height))) / spread
  const rest = sum(measurements.map(({ atMs, value }) => (value - height - slope * (atMs - middle)) ** 2))
  return { slopePerHour: slope * hourMs, errorPerHour: Math.sqrt(rest / (count - 2) / spread) * hourMs }
}

const mean = (values: readonly number[]) => sum(values) / values.length
