/**
 * How many of the partitions an instance is to hold: as many as the others, and those that remain go to the first by
 * name. One that is not among the holders yet counts itself in.
 */
export const shareOf = (holder: string, holders: readonly string[], partitions: number): number => {
  const all = [...new Set([...holders, holder])].sort()
  return Math.floor(partitions / all.length) + (all.indexOf(holder) < partitions % all.length ? 1 : 0)
}
