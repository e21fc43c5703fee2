import { z } from 'zod'

/**
 * The fields by which every list is asked: `limit` items from behind `cursor`; `total` counts them all. A cursor holds
 * the values that a list is ordered by, so it is as long as the longest name may make it.
 */
export const pageRequest = {
  limit: z.int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(2048).optional(),
  total: z.boolean().optional(),
}

/** A stretch of a list. `next_cursor` is null at the end; `total` is there when it was asked for. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable(), total: z.int().optional() })

/** A piece of text to look for; `%` and `_` are ordinary characters. Empty means everything. */
export const SearchText = z.string().max(100).optional()
