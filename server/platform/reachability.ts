import type { Database } from '../../db/database.ts'

const patienceMs = 1_000

/**
 * Tells whether all databases answer, within a second. Probes that come while a question is out share its answer, so
 * that however often somebody asks, no more than one connection of a pool is spent on it.
 */
export const createReachability = (databases: readonly Database[]): (() => Promise<boolean>) => {
  let asking: Promise<unknown> | undefined
  return async () => {
    asking ??= Promise.all(databases.map(({ db }) => db.execute('select 1'))).finally(() => {
      asking = undefined
    })
    try {
      await within(asking)
      return true
    } catch {
      return false
    }
  }
}

const within = async (answer: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), patienceMs)
  })
  try {
    await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
