import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer } from './consumer.ts'
import { readRedrives } from './deadLetters.ts'
import { Holding } from './holding.ts'
import { join, leaseSeconds, leave, listWorkers, renewLeases, takePartitions } from './leases.ts'
import { partitionOf } from './partition.ts'
import { register } from './register.ts'
import { shareOf } from './share.ts'
import { type WorkerParts, workOn } from './worker.ts'

/** Works for the consumers of this process. */
export interface ConsumerRunner {
  /** Takes its share of the partitions and prolongs what it holds. Rejects when the database cannot be asked. */
  readonly look: () => Promise<void>
  /** Looks again and again from now on, without keeping the process alive. */
  readonly start: () => void
  /** Takes no more, lets the events at hand be handled, at most so long, and gives back what it holds. */
  readonly stop: (withinMs: number) => Promise<void>
}

const lookMs = 1_000
const renewMs = (leaseSeconds * 1_000) / 3

/** Throws when two consumers have one name. */
export const createConsumerRunner = (consumers: readonly Consumer[], parts: WorkerParts): ConsumerRunner => {
  const { database, gateDatabase, feed, log } = parts
  const names = consumers.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`There are two consumers named ${twice}.`)
  const holder = `${hostname()} ${process.pid} ${randomUUID()}`
  const working = new Map<Holding, Promise<void>>()
  let partitions: ReadonlyMap<string, number> | undefined
  let renewedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let isAway = false

  const held = () => [...working.keys()].filter(({ isOver }) => !isOver)
  const wakeAll = () => {
    for (const holding of working.keys()) holding.wake()
  }
  const stopListening = feed.onAdvance(wakeAll)

  /** Says that this instance is there, and prolongs what it holds. */
  const renew = async () => {
    const startedAt = performance.now()
    await join(database.db, { names, holder })
    const mine = held()
    const renewed = await renewLeases(database.db, {
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
    if (mine.length < share && !isStopped) await take(consumer, share - mine.length)
  }

  const giveRedrives = async () => {
    const { bounds } = feed
    if (!bounds) return
    const redrives = await readRedrives(database.db, gateDatabase.db, { epoch: bounds.epoch, names })
    for (const holding of held()) {
      const { consumer, partition } = holding
      holding.redrives = redrives.filter(
        (one) => one.consumer === consumer.name && partitionOf(consumer, holding.partitions, one.event) === partition,
      )
    }
  }

  const lookOnce = async () => {
    partitions ??= await register(consumers, { database, log })
    if (performance.now() - renewedAt >= renewMs) await renew()
    const workers = await listWorkers(database.db, { names })
    for (const consumer of consumers) {
      const holders = workers.filter((worker) => worker.consumer === consumer.name).map((worker) => worker.holder)
      await balance(consumer, holders)
    }
    await giveRedrives()
    wakeAll()
  }

  const look = (): Promise<void> => {
    looking ??= lookOnce().finally(() => {
      looking = undefined
    })
    return looking
  }

  const lookAndGoOn = async (): Promise<void> => {
    try {
      await look()
      isAway = false
    } catch (err) {
      if (!isAway && !isStopped) log.warn({ err }, 'no look at the consumers: the database cannot be asked')
      isAway = true
    }
    if (!isStopped) timer = setTimeout(lookAndGoOn, lookMs).unref()
  }

  return {
    look: async () => {
      if (consumers.length > 0 && !isStopped) await look()
    },
    start() {
      if (consumers.length > 0) timer = setTimeout(lookAndGoOn, 0).unref()
    },
    async stop(withinMs) {
      isStopped = true
      clearTimeout(timer)
      stopListening()
      await looking?.catch(() => {})
      for (const holding of working.keys()) holding.end()
      await Promise.race([Promise.all(working.values()), sleep(withinMs, undefined, { ref: false })])
      const cutOff = [...working.keys()].map(({ consumer }) => consumer.name)
      if (cutOff.length > 0) log.warn({ consumers: cutOff }, 'consumers are cut off: they did not end in time')
      if (partitions) await leave(database.db, { holder }).catch(() => {})
    },
  }
}
