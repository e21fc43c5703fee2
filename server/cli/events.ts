import type { Db } from '../../db/client.ts'
import {
  type AskedLetters,
  type DeadLetter,
  listConsumers,
  listDeadLetters,
  requestRedrive,
} from '../platform/consumers/overview.ts'
import type { CommandDatabases } from './commandDatabase.ts'
import { ForgeError } from './forgeError.ts'

/** The dead letters of a consumer, or the one that is asked for. Throws ForgeError when that one is not there. */
export const showDeadLetters = async ({ app, gate }: CommandDatabases, asked: AskedLetters): Promise<DeadLetter[]> => {
  await requireConsumer(app.db, asked.consumer)
  const letters = await listDeadLetters(app.db, gate.db, asked)
  if (letters.length === 0 && asked.position !== undefined) throw noSuchLetter(asked)
  return letters
}

/** Has dead letters tried again; returns how many. Throws ForgeError when there are none. */
export const redrive = async (db: Db, asked: AskedLetters): Promise<number> => {
  await requireConsumer(db, asked.consumer)
  const count = await requestRedrive(db, asked)
  if (count === 0) throw noSuchLetter(asked)
  return count
}

const requireConsumer = async (db: Db, consumer: string): Promise<void> => {
  const { consumers } = await listConsumers(db)
  if (consumers.some(({ name }) => name === consumer)) return
  throw new ForgeError(`There is no consumer ${consumer}: events list shows those that have worked on this database.`)
}

const noSuchLetter = ({ consumer, position }: AskedLetters) =>
  new ForgeError(
    position === undefined
      ? `${consumer} has no dead letters: there is nothing to try again.`
      : `${consumer} has no dead letter at ${position}: events show ${consumer} lists those it has.`,
  )
