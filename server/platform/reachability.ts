import type { Logger } from 'pino'
import type { Database } from '../../db/database.ts'
import { within } from './within.ts'

const patienceMs = 1_000

/**
 * Tells whether all databases answer within a second, and as one that takes writes. Probes that come while a question
 * is out share its answer, so that however often somebody asks, no more than one connection of a pool is spent on it.
 * Each change is logged once, with its cause.
 */
export const createReachability = (databases: readonly Database[], log: Logger): (() => Promise<boolean>) => {
  const questions = databases.map(createQuestion)
  let isAway = false
  return async () => {
    try {
      const answers = await within(patienceMs, Promise.all(questions.map((ask) => ask())))
      if (!answers) throw new Error('no answer within a second')
      if (isAway) log.info('ready again: the database answers')
      isAway = false
    } catch (err) {
      if (!isAway) log.warn({ err }, 'not ready: the database does not answer')
      isAway = true
    }
    return !isAway
  }
}

/** One question to a database at a time, whoever asks. */
const createQuestion = ({ db }: Database): (() => Promise<true>) => {
  let asking: Promise<true> | undefined
  const ask = async (): Promise<true> => {
    const { rows } = await db.execute<{ is_standby: boolean }>('select pg_is_in_recovery() as is_standby')
    if (rows[0]?.is_standby)
      throw new Error('the server is a standby, as a primary is after a failover; it takes no writes')
    return true
  }
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }
}
