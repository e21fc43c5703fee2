import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { type Database, openDatabase } from '../db/database.ts'
import { progress } from '../server/cli/progress.ts'
import { numberEvents } from '../server/platform/events/log.ts'
import { recordEvent } from '../server/platform/events/record.ts'
import type { BenchDatabase } from './database.ts'
import { median } from './rounds.ts'

const writers = 16

interface Length {
  readonly rounds: number
  readonly roundMs: number
}

/** Transactions a second that insert one row, without and with its event, in turns. */
export const measureRecording = async ({ appUrl }: BenchDatabase, { rounds, roundMs }: Length) => {
  const database = openDatabase({
    url: appUrl,
    maxConnections: writers + 1,
    statementCache: true,
    applicationName: 'bench',
    acquireTimeoutMs: 30_000,
    onError: () => {},
  })
  const found: Record<'without' | 'with', number[]> = { without: [], with: [] }
  // The round before the first warms up.
  for (let round = 0; round <= rounds; round++) {
    progress(`transactions, round ${round} of ${rounds}`)
    for (const kind of ['without', 'with'] as const) {
      const rate = await transactionsASecond(database, { records: kind === 'with', roundMs })
      if (round > 0) found[kind].push(rate)
    }
  }
  await database.close()
  return { without: median(found.without), recorded: median(found.with) }
}

const transactionsASecond = async (database: Database, { records, roundMs }: { records: boolean; roundMs: number }) => {
  const endsAt = performance.now() + roundMs
  let count = 0
  let isOver = false
  const write = async () => {
    while (performance.now() < endsAt) {
      await writeOnce(database, records)
      count += 1
    }
  }
  const number = async () => {
    while (!isOver && records) {
      await numberEvents(database.db)
      await sleep(10)
    }
  }
  const numbering = number()
  await Promise.all(Array.from({ length: writers }, write))
  isOver = true
  await numbering
  return (count * 1_000) / roundMs
}

const writeOnce = (database: Database, records: boolean): Promise<void> => {
  const id = randomUUID()
  return database.transaction(
    async (tx) => {
      await tx.execute(sql`insert into menus (id, code, label) values (${id}, ${id}, 'Menu')`)
      if (!records) return
      const origin = { bucket: 'global', actorId: null, requestId: id, traceparent: null }
      // As the server does: the COMMIT follows on the same connection.
      void recordEvent(tx, origin, { topic: 'menu.created', target: id, payload: { code: id, label: 'Menu' } })
    },
    { tenant: 'global' },
  )
}
