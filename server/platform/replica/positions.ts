/**
 * Remembers where the primary's log ended at which moment, so that the age of what a replica shows can be told by one
 * clock, that of this process. Two equal positions mean no lag, however long ago the last write was.
 */
export interface Positions {
  /** At `atMs` or later the log ended at `position`; moments only grow. */
  readonly note: (atMs: number, position: bigint) => void
  /** The latest moment of which a replica at `position` has everything; undefined when that is too long ago. */
  readonly coveredBy: (position: bigint) => number | undefined
}

export const createPositions = (keptMs: number): Positions => {
  let notes: { readonly atMs: number; readonly position: bigint }[] = []
  return {
    note(atMs, position) {
      const last = notes.at(-1)
      // Another server took over: what was noted of the first one says nothing of this one.
      if (last && position < last.position) notes = []
      notes = notes.filter((kept) => kept.atMs >= atMs - keptMs)
      notes.push({ atMs, position })
    },
    coveredBy: (position) => notes.findLast((kept) => kept.position <= position)?.atMs,
  }
}

/** `16/B374D848`, as PostgreSQL writes a pg_lsn, as a number of bytes. Throws on anything else. */
export const bytesOf = (lsn: string): bigint => {
  const [, high, low] = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/.exec(lsn) ?? []
  if (high === undefined || low === undefined) throw new TypeError(`not a position in the log: ${lsn}`)
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}
