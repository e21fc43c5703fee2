import type { Context } from '../context.ts'
import type { Failure } from './failure.ts'

/** The call of a list entry: its input has the fields of `pageRequest`, and it declares `cursor.invalid`. */
interface ListCall extends Pick<Context, 'cursors'> {
  readonly input: { readonly limit: number; readonly cursor?: string | undefined; readonly total?: boolean | undefined }
  readonly fail: (code: 'cursor.invalid') => Failure
}

interface List<Item> {
  /**
   * What tells this list from every other: the entry, then whatever decides which items are in it (the bucket, the
   * person of a personal list, each filter). A cursor is good for the list that issued it and no other.
   */
  readonly name: readonly [entry: string, ...deciding: (string | undefined)[]]
  /** The position before the first item: a value for each column of the order, the last of them unique. */
  readonly start: readonly string[]
  /** The items behind a position, in order. */
  readonly read: (position: readonly string[], limit: number) => Promise<Item[]>
  readonly positionOf: (item: Item) => readonly string[]
  /** One row with the number of items under the same filters; asked only when the call wants it. */
  readonly count: () => Promise<{ total: number }[]>
}

/**
 * The answer of a list entry. Positions are values and not offsets, so that rows which come or go meanwhile neither
 * repeat an item nor hide one. Throws `cursor.invalid` for a cursor that this list did not issue.
 */
export const paginate = async <Item>({ input, cursors, fail }: ListCall, list: List<Item>) => {
  const name = JSON.stringify(list.name)
  const position = input.cursor === undefined ? list.start : cursors.read(name, input.cursor)
  if (position?.length !== list.start.length) throw fail('cursor.invalid')
  // One more than asked for tells whether something follows.
  const rows = await list.read(position, input.limit + 1)
  const items = rows.slice(0, input.limit)
  const last = rows.length > input.limit ? items.at(-1) : undefined
  return {
    items,
    next_cursor: last ? cursors.write(name, list.positionOf(last)) : null,
    ...(input.total ? { total: (await list.count())[0]?.total ?? 0 } : {}),
  }
}

/** The smallest and the largest UUID: where a list in the order of ids begins. */
export const lowestId = '00000000-0000-0000-0000-000000000000'
export const highestId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** A pattern for ILIKE that finds a text anywhere, its `%`, `_` and `\` taken as they are. No text finds everything. */
export const containing = (text = ''): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`
