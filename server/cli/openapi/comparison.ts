import type { Direction } from './change.ts'
import type { Part } from './document.ts'

/** The two documents that references lead into. */
export interface Pair {
  readonly older: Part
  readonly newer: Part
}

/** Where two things are compared. */
export interface Comparison extends Pair {
  /** Which way the values go. */
  readonly direction: Direction
  /** Which part of the operation it is, such as `body.name`. */
  readonly place: string
  /** The pairs of schemas on the way down to here. */
  readonly open: readonly string[]
}
