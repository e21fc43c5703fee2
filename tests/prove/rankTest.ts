/** What a rank test says of two samples. */
export interface RankTest {
  /** Standard normal under the hypothesis that both come from one distribution; positive when the first ranks higher. */
  readonly z: number
  /** Two-sided. */
  readonly p: number
}

/**
 * The test of Mann and Whitney (Annals of Mathematical Statistics 18, 1947) in its normal approximation with mid-ranks
 * and the correction for ties; good from about twenty values each. Says nothing of how far the samples lie apart.
 */
export function rankTest(one: readonly number[], other: readonly number[]): RankTest {
  const all = [...one.map((value) => ({ value, isFirst: true })), ...other.map((value) => ({ value, isFirst: false }))]
  all.sort((a, b) => a.value - b.value)
  let rankSum = 0
  let ties = 0
  for (let from = 0, to = 0; from < all.length; from = to) {
    while (to < all.length && all[to]?.value === all[from]?.value) to++
    const size = to - from
    const middleRank = (from + 1 + to) / 2
    rankSum += middleRank * all.slice(from, to).filter(({ isFirst }) => isFirst).length
    ties += size ** 3 - size
  }
  const [m, n, total] = [one.length, other.length, all.length]
  const u = rankSum - (m * (m + 1)) / 2
  const variance = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)))
  const z = variance === 0 ? 0 : (u - (m * n) / 2) / Math.sqrt(variance)
  return { z, p: 2 * upperTail(Math.abs(z)) }
}

/** The standard normal distribution beyond `z` >= 0, to 1e-7 (Abramowitz and Stegun, 26.2.17). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series
}
