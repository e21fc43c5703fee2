/**
 * Warnings for names that are set and unknown, but look like a known one: a misspelt variable is otherwise ignored
 * in silence. Up to two slips count, but only one in four letters, since HOME is no misspelt HOST.
 */
export function findMisspelt(set: readonly string[], known: readonly string[]): string[] {
  const knownNames = new Set(known)
  return set.flatMap((name) => {
    if (knownNames.has(name)) return []
    const meant = nearest(name, known)
    return meant === undefined ? [] : [`${name} is not a known variable: did you mean ${meant}?`]
  })
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const scored = known.map((candidate) => ({ candidate, slips: editDistance(name, candidate) }))
  const near = scored.filter(({ candidate, slips }) => slips <= Math.min(2, Math.floor(candidate.length / 4)))
  return near.sort((a, b) => a.slips - b.slips)[0]?.candidate
}

/** Optimal string alignment: insertions, deletions, replacements and swapped neighbours each count one. */
export function editDistance(a: string, b: string): number {
  // Lengths that differ by more than two cannot be near: saves the table for most of a large environment.
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = at(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const candidates = [at(last, column) + 1, at(current, column - 1) + 1, replaced]
      if (row > 1 && column > 1 && swapped) candidates.push(at(beforeLast, column - 2) + 1)
      current.push(Math.min(...candidates))
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
