/** Whether callers of the older document can go on. `look`: a person has to say, since a rule cannot. */
export type Verdict = 'breaking' | 'look' | 'compatible'

/** Who sends the value: the caller (`input`) or the server (`output`). */
export type Direction = 'input' | 'output'

export interface Change {
  readonly verdict: Verdict
  /** The section of a changelog it belongs to. `described`: words for people alone. */
  readonly kind: 'added' | 'changed' | 'removed' | 'described'
  /** The operation id, or the verb and path where there is none; absent for the document as a whole. */
  readonly operation?: string
  /** Which part of it, such as `body.name` or `200 data.items[].id`; empty for all of it. */
  readonly place: string
  /** What happened, to be read after operation and place. */
  readonly text: string
}

/** A change of a value before it is known where it stands. */
export type Finding = Omit<Change, 'operation'>

/** Fewer values than before: callers may send what is refused now; what they are sent, they knew already. */
export const narrowed = (direction: Direction): Verdict => (direction === 'input' ? 'breaking' : 'compatible')

/** More values than before: callers may be sent what they do not know; what they send is still taken. */
export const widened = (direction: Direction): Verdict => (direction === 'input' ? 'compatible' : 'breaking')
