import type { Logger } from 'pino'
import type { Database } from '../../../db/database.ts'
import type { Consumer } from './consumer.ts'
import { countPartitions, insertPartitions, lockName } from './leases.ts'

interface Parts {
  readonly database: Pick<Database, 'transaction'>
  readonly log: Logger
}

/**
 * Makes the rows of consumers that the database does not know yet. Returns how many partitions each has there, which
 * is what counts: with another number the keys would lie in other partitions, and part of their events behind the position.
 */
export const register = async (
  consumers: readonly Consumer[],
  { database, log }: Parts,
): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>()
  for (const { name, partitions, from } of consumers) {
    const count = await database.transaction(async (tx) => {
      await lockName(tx, { name })
      const [known] = await countPartitions(tx, { name })
      if (known && known.partitions > 0) return known.partitions
      await insertPartitions(tx, { name, partitions, from })
      return partitions
    })
    if (count !== partitions) log.warn({ consumer: name, partitions: count }, otherNumber)
    found.set(name, count)
  }
  return found
}

const otherNumber = 'a consumer keeps the partitions it began with; to have another number of them, give it a new name'
