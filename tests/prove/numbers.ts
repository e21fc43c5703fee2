import type { Proof } from './harness.ts'

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** The upper of the two in the middle where there are two; 0 of none. */
export const middle = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** In an order of the seed (Fisher and Yates). */
export const shuffled = <T>({ random }: Pick<Proof, 'random'>, list: readonly T[]): T[] => {
  const items = [...list]
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[items[last], items[other]] = [items[other] as T, items[last] as T]
  }
  return items
}
