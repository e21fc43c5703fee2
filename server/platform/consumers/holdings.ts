import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Database } from '../../../db/database.ts'
import { within } from '../within.ts'
import type { Consumer } from './consumer.ts'
import { readRedrives } from './deadLetters.ts'
import { Holding } from './holding.ts'
import { join, leaseSeconds, leave, listWorkers, renewLeases, takePartitions } from './leases.ts'
import { partitionOf } from './partition.ts'
import { register } from './register.ts'
import { shareOf } from './share.ts'
import { oldestTime } from './source.ts'
import { type WorkerParts, workOn } from './worker.ts'

/** The partitions that this process works on. */
export interface Holdings {
  /** Takes its share of the partitions and prolongs what it holds. Rejects when the database cannot be asked. */
  readonly look: () => Promise<void>
  /** When the oldest event occurred that a consumer has not done with, of what is held; undefined when there is none. */
  readonly oldest: (consumer: string) => Date | undefined
  /** There may be something new. */
  readonly wakeAll: () => void
  /** The log has lost what was read: gives everything back, to be taken anew where the database has it. */
  readonly forgetAll: () => void
  /** Takes no more. */
  readonly close: () => void
  /** Lets the events at hand be handled, at most so long, and gives everything back. */
  readonly end: (withinMs: number) => Promise<void>
}

const renewMs = (leaseSeconds * 1_000) / 3

export const createHoldings = (consumers: readonly Consumer[], parts: WorkerParts): Holdings => {
  const { database, feed, log } = parts
  const names = consumers.map(({ name }) => name)
  const holder = `${hostname()} ${process.pid} ${randomUUID()}`
  const working = new Map<Holding, Promise<void>>()
  let partitions: ReadonlyMap<string, number> | undefined
  let renewedAt = Number.NEGATIVE_INFINITY
  let isClosed = false

  const held = () => [...working.keys()].filter(({ isOver }) => !isOver)
  const wakeAll = () => {
    for (const holding of working.keys()) holding.wake()
  }

  /** Says that this instance is there, and prolongs what it holds. */
  const renew = async () => {
    const startedAt = performance.now()
    await join(database.db, { names, holder })
    await prolong(held(), holder, database)
    renewedAt = startedAt
  }

  const take = async (consumer: Consumer, limit: number) => {
    const takenAt = performance.now()
    const rows = await takePartitions(database.db, { name: consumer.name, limit, holder })
    for (const row of rows) {
      const holding = new Holding({
        ...row,
        consumer,
        partitions: partitions?.get(consumer.name) ?? consumer.partitions,
        retryAt: takenAt + (row.retry_seconds ?? 0) * 1_000,
        isSuspect: row.was_held,
        goodUntil: takenAt + leaseSeconds * 1_000,
      })
      working.set(
        holding,
        workOn(holding, parts).finally(() => working.delete(holding)),
      )
    }
  }

  /** Gives back what is more than its share, or takes what is free. */
  const balance = async (consumer: Consumer, holders: readonly string[]) => {
    const mine = held().filter((holding) => holding.consumer === consumer)
    const share = shareOf(holder, holders, partitions?.get(consumer.name) ?? consumer.partitions)
    for (const holding of mine.slice(share)) holding.end()
    if (mine.length < share && !isClosed) await take(consumer, share - mine.length)
  }

  const look = async (): Promise<void> => {
    partitions ??= await register(consumers, { database, log })
    if (performance.now() - renewedAt >= renewMs) await renew()
    const workers = await listWorkers(database.db, { names })
    for (const consumer of consumers) {
      const holders = workers.filter((worker) => worker.consumer === consumer.name).map((worker) => worker.holder)
      await balance(consumer, holders)
    }
    await giveRedrives(held(), names, parts)
    wakeAll()
  }

  const oldest = (name: string): Date | undefined => {
    const mine = [...working.keys()].filter(({ consumer, isLost }) => consumer.name === name && !isLost)
    return mine.flatMap((holding) => oldestTime(holding, feed) ?? []).toSorted((a, b) => a.getTime() - b.getTime())[0]
  }

  return {
    look,
    oldest,
    wakeAll,
    forgetAll() {
      for (const holding of working.keys()) holding.forget()
    },
    close() {
      isClosed = true
    },
    async end(withinMs) {
      for (const holding of working.keys()) holding.end()
      await within(withinMs, Promise.all(working.values()))
      const cutOff = [...working.keys()].map(({ consumer }) => consumer.name)
      if (cutOff.length > 0) log.warn({ consumers: cutOff }, 'consumers are cut off: they did not end in time')
      if (partitions) await leave(database.db, { holder }).catch(() => {})
    },
  }
}

/** Prolongs the leases; a partition that is somebody else's by now is lost. */
const prolong = async (mine: readonly Holding[], holder: string, { db }: Database): Promise<void> => {
  const startedAt = performance.now()
  const renewed = await renewLeases(db, {
    holder,
    names: mine.map(({ consumer }) => consumer.name),
    partitions: mine.map(({ partition }) => partition),
    leases: mine.map(({ lease }) => lease),
    positions: mine.map(({ position }) => position),
  })
  for (const holding of mine) {
    const isMine = renewed.some(
      ({ name, partition }) => name === holding.consumer.name && partition === holding.partition,
    )
    if (isMine) holding.goodUntil = startedAt + leaseSeconds * 1_000
    else if (!holding.isOver) holding.lose()
  }
}

/** Tells each partition which of its dead letters are to be tried once more. */
const giveRedrives = async (
  mine: readonly Holding[],
  names: readonly string[],
  { database, gateDatabase, feed }: WorkerParts,
): Promise<void> => {
  const { bounds } = feed
  if (!bounds) return
  const redrives = await readRedrives(database.db, gateDatabase.db, { epoch: bounds.epoch, names })
  for (const holding of mine) {
    const { consumer, partition } = holding
    holding.redrives = redrives.filter(
      (one) => one.consumer === consumer.name && partitionOf(consumer, holding.partitions, one.event) === partition,
    )
  }
}
