/** Rows that one statement of a sweep deletes at most: few enough that nobody waits long for its locks. */
export const batchSize = 1_000

/**
 * Repeats a statement that deletes up to `batchSize` rows until it finds fewer, or the signal aborts: the next run goes
 * on where this one stopped. Returns how many rows went.
 */
export const deleteInBatches = async (
  signal: AbortSignal,
  deleteBatch: () => Promise<readonly unknown[]>,
): Promise<number> => {
  let deleted = 0
  for (let found = batchSize; found >= batchSize && !signal.aborted; ) {
    found = (await deleteBatch()).length
    deleted += found
  }
  return deleted
}
