import { kindOf } from '../../../db/causes.ts'
import type { LoggedEvent } from '../events/loggedEvent.ts'
import { deleteDeadLetter, findRedrive, insertDeadLetter, keepDeadLetter, type Redrive } from './deadLetters.ts'
import type { Holding } from './holding.ts'
import { confirm, noteFailure, releaseLease } from './leases.ts'
import { readOn, type Source } from './source.ts'
import { type TryParts, tryOnce } from './tryOnce.ts'

export type WorkerParts = TryParts & Source

/** A nudge that is lost, or a database that is away, costs at most this. */
const patienceMs = 1_000
const endedOverIt = 'the process ended while it was handled'

/** Handles the events of a partition, one after another, until it is given away or lost. Never rejects. */
export const workOn = async (holding: Holding, parts: WorkerParts): Promise<void> => {
  const { log } = parts
  let isAway = false
  while (!holding.isOver) {
    try {
      if (!(await step(holding, parts))) await holding.untilWoken(untilDueMs(holding))
      isAway = false
    } catch (err) {
      if (!isAway) log.warn({ err, consumer: holding.consumer.name }, 'a consumer waits: the database cannot be asked')
      isAway = true
      await holding.untilWoken(patienceMs)
    }
  }
  await confirmations.get(holding)
  if (holding.isLost) return
  await releaseLease(parts.database.db, { ...holding.row, position: holding.position }).catch((err: unknown) =>
    log.warn({ err, consumer: holding.consumer.name }, 'a partition was not given back; its lease ends by itself'),
  )
}

const untilDueMs = ({ retryAt }: Holding) => {
  const untilRetryMs = retryAt - performance.now()
  return untilRetryMs > 0 ? Math.min(untilRetryMs, patienceMs) : patienceMs
}

/** Does one thing; false when there is nothing to do at present. */
const step = async (holding: Holding, parts: WorkerParts): Promise<boolean> => {
  // It stood still: another instance may have the partition by now. The next renewal tells.
  if (performance.now() >= holding.goodUntil) return false
  const [redrive, ...later] = holding.redrives
  if (redrive) {
    holding.redrives = later
    await redriveOne(holding, redrive, parts)
    return true
  }
  const [event] = holding.waiting
  if (!event) return readOn(holding, parts)
  if (performance.now() < holding.retryAt) return false
  await handleNext(holding, event, parts)
  return true
}

const handleNext = async (holding: Holding, event: LoggedEvent, parts: WorkerParts): Promise<void> => {
  if (holding.attempts >= holding.consumer.tries) return bury(holding, event, parts)
  // Counted beforehand, or an event that ends every process that touches it would be tried for ever.
  const isCounted = holding.isSuspect
  if (isCounted && !(await count(holding, event, { more: 1, seconds: 0 }, parts))) return
  holding.isSuspect = false
  const attempt = isCounted ? holding.attempts : holding.attempts + 1
  const settle = (db: TryParts['database']['db']) => confirm(db, { ...holding.row, position: holding.nextPosition })
  const outcome = await tryOnce({ holding, event, attempt, settle }, parts)
  if (outcome.kind === 'failed') await putOff({ holding, event, attempt, isCounted, error: outcome.error }, parts)
  else if (outcome.kind === 'lost') lose(holding, parts)
  else if (outcome.kind !== 'stopped') holding.advance()
  if (outcome.kind === 'handled') confirmSoon(holding, parts)
}

const confirmations = new WeakMap<Holding, Promise<void>>()
const unconfirmed = new WeakSet<Holding>()

/**
 * Writes the position down without holding up the next event: what is handled meanwhile goes into the next statement. A
 * process that is killed has that much handled again.
 */
const confirmSoon = (holding: Holding, parts: WorkerParts): void => {
  unconfirmed.add(holding)
  if (confirmations.has(holding)) return
  const done = confirmAll(holding, parts).finally(() => confirmations.delete(holding))
  confirmations.set(holding, done)
}

const confirmAll = async (holding: Holding, parts: WorkerParts): Promise<void> => {
  try {
    while (unconfirmed.delete(holding) && !holding.isLost) {
      const [row] = await confirm(parts.database.db, { ...holding.row, position: holding.position })
      if (!row) lose(holding, parts)
    }
  } catch (err) {
    // It is written down with the next event, or as the lease is renewed.
    parts.log.warn({ err, ...holding.names }, 'events are handled but not confirmed yet: the database cannot be asked')
  }
}

interface FailedTry {
  readonly holding: Holding
  readonly event: LoggedEvent
  readonly attempt: number
  readonly isCounted: boolean
  readonly error: unknown
}

/** Counts a failed try and waits for the next one, or gives the event up. */
const putOff = async ({ holding, event, attempt, isCounted, error }: FailedTry, parts: WorkerParts): Promise<void> => {
  const seconds = untilRetry(holding.consumer, attempt)
  const names = { ...holding.names, position: event.position, topic: event.topic, attempt }
  parts.log.warn({ err: error, ...names }, 'a consumer failed on an event')
  // Kept for the burial, which may have to wait for the database.
  holding.failure = kindOf(error)
  if (!(await count(holding, event, { more: isCounted ? 0 : 1, seconds }, parts))) return
  holding.retryAt = performance.now() + seconds * 1_000
  if (holding.attempts >= holding.consumer.tries) await bury(holding, event, parts)
}

/** Between half of the doubled wait and all of it, so that what failed together does not come back together. */
const untilRetry = ({ firstRetrySeconds, longestRetrySeconds }: Holding['consumer'], attempt: number) =>
  Math.min(longestRetrySeconds, firstRetrySeconds * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2)

/** Writes down failed tries; false when the event is no longer ours to try. */
const count = async (
  holding: Holding,
  { position }: LoggedEvent,
  noted: { readonly more: number; readonly seconds: number },
  parts: WorkerParts,
): Promise<boolean> => {
  // It would take back what is counted here.
  await confirmations.get(holding)
  const [row] = await noteFailure(parts.database.db, { ...holding.row, position, ...noted })
  if (!row) lose(holding, parts)
  // The COMMIT whose answer was lost had happened.
  else if (row.position >= position) holding.advance()
  else holding.attempts = row.attempts
  return row !== undefined && row.position < position
}

const bury = async (holding: Holding, event: LoggedEvent, parts: WorkerParts) => {
  const { database, log, onBuried } = parts
  const { attempts, row, names, failure = endedOverIt } = holding
  const { position } = event
  await confirmations.get(holding)
  const isBuried = await database.transaction(async (tx) => {
    const [mine] = await confirm(tx, { ...row, position })
    if (mine) await insertDeadLetter(tx, { name: row.name, position, attempts, failure })
    return mine !== undefined
  })
  if (!isBuried) return lose(holding, { log })
  onBuried?.(holding.consumer.name)
  holding.advance()
  log.error(
    { ...names, position, attempts, failure },
    'an event became a dead letter; forge events shows and redrives it',
  )
}

const redriveOne = async (holding: Holding, { event, attempts }: Redrive, parts: WorkerParts): Promise<void> => {
  const { database, log } = parts
  const row = { ...holding.row, position: event.position }
  const [isPending] = await findRedrive(database.db, row)
  if (!isPending) return
  const outcome = await tryOnce(
    { holding, event, attempt: attempts + 1, settle: (db) => deleteDeadLetter(db, row) },
    parts,
  )
  if (outcome.kind === 'handled') await deleteDeadLetter(database.db, row)
  if (outcome.kind !== 'failed') return
  log.warn(
    { err: outcome.error, ...holding.names, position: event.position },
    'a redriven event failed again; it stays a dead letter',
  )
  await keepDeadLetter(database.db, { ...row, failure: kindOf(outcome.error) })
}

const lose = (holding: Holding, { log }: Pick<WorkerParts, 'log'>) => {
  if (!holding.isLost)
    log.warn(holding.names, 'another instance has taken a partition over; what was not confirmed is its')
  holding.lose()
}
