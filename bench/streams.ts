/**
 * What events cost: transactions with and without a recorded event in turns, the delay from a transaction to 1,000
 * streams, how many events a second they can be told, and what a stream holds in memory that waits. `--quick` is a
 * short form.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { type Database, openDatabase } from '../db/database.ts'
import { withConnection } from '../db/oneConnection.ts'
import { residentMib } from '../server/cli/bench/processes.ts'
import { numberEvents } from '../server/platform/events/log.ts'
import { recordEvent } from '../server/platform/events/record.ts'
import { type BenchDatabase, startDatabase } from './database.ts'
import { makePeople } from './people.ts'
import { progress } from './progress.ts'
import { type Server, startOwn } from './servers.ts'

const isQuick = process.argv.includes('--quick')
const rounds = isQuick ? 3 : 5
const roundMs = isQuick ? 1_000 : 3_000
const writers = 16
const streams = 1_000
const streamsOfPerson = 10
const told = isQuick ? 40 : 200
const toldPauseMs = 50
const burst = isQuick ? 500 : 2_000
const restMs = 3_000

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.floor((sorted.length - 1) * part)] ?? 0

/** Transactions a second that insert one row, and with `records` its event, for one round. */
const transactionsASecond = async (database: Database, records: boolean): Promise<number> => {
  const endsAt = performance.now() + roundMs
  let count = 0
  let isOver = false
  const write = async () => {
    while (performance.now() < endsAt) {
      const id = randomUUID()
      await database.transaction(
        async (tx) => {
          await tx.execute(sql`insert into menus (id, code, label) values (${id}, ${id}, 'Menu')`)
          if (!records) return
          const origin = { bucket: 'global', actorId: null, requestId: id, traceparent: null }
          // As the server does: the COMMIT follows on the same connection.
          void recordEvent(tx, origin, { topic: 'menu.created', target: id, payload: { code: id, label: 'Menu' } })
        },
        { tenant: 'global' },
      )
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

const measureRecord = async ({ appUrl }: BenchDatabase): Promise<void> => {
  const database = openDatabase({
    url: appUrl,
    maxConnections: writers + 1,
    statementCache: true,
    applicationName: 'bench',
    acquireTimeoutMs: 30_000,
    onError: () => {},
  })
  const found: Record<'without' | 'with', number[]> = { without: [], with: [] }
  for (let round = 0; round <= rounds; round++) {
    progress(`transactions, round ${round} of ${rounds}`)
    for (const kind of ['without', 'with'] as const) {
      const rate = await transactionsASecond(database, kind === 'with')
      // The first round warms up.
      if (round > 0) found[kind].push(rate)
    }
  }
  await database.close()
  const [without, recorded] = [median(found.without), median(found.with)]
  line('transactions a second without an event', without.toFixed(0))
  line('with one, numbered meanwhile', `${recorded.toFixed(0)} (${(recorded / without).toFixed(2)} of that)`)
}

interface Listener {
  readonly socket: Socket
  /** Events received. */
  count: number
}

/** A stream over a raw socket: a client that costs little, since it shares the machine. Resolves once it is granted. */
const openStream = async (
  server: Server,
  authorization: string,
  onEvent: (text: string) => void,
): Promise<Listener> => {
  const { hostname, port, host } = new URL(server.url)
  const socket = connect({ host: hostname, port: Number(port) })
  const listener: Listener = { socket, count: 0 }
  socket.write(`GET /api/v1/stream HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\n\r\n`)
  let rest = ''
  let isGranted = false
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      if (!isGranted && !chunk.startsWith('HTTP/1.1 200')) return reject(new Error(`no stream: ${chunk.slice(0, 40)}`))
      isGranted = true
      resolve()
      const frames = (rest + chunk).split('\ndata: ')
      rest = frames.pop() ?? ''
      // A frame counts once its line is whole; the rest is the beginning of the next.
      if (rest.includes('}\n')) {
        frames.push(rest)
        rest = ''
      }
      for (const frame of frames) {
        if (!frame.includes('"occurred_at"')) continue
        listener.count += 1
        onEvent(frame)
      }
    })
  })
  return listener
}

/** A few at a time: a server that is asked for all at once refuses some, as it should. */
const openStreams = async (server: Server, tokens: readonly string[], onEvent: (text: string) => void) => {
  const listeners: Listener[] = []
  for (const token of tokens) {
    const opening = Array.from({ length: streamsOfPerson }, () => openStream(server, token, onEvent))
    listeners.push(...(await Promise.all(opening)))
  }
  return listeners
}

const measureStreams = async (server: Server, { appUrl }: BenchDatabase, tokens: readonly string[]): Promise<void> => {
  const delays: number[] = []
  const before = residentMib(server.pid)
  const listeners = await openStreams(server, tokens, (frame) => {
    const at = /"occurred_at":"([^"]+)"/.exec(frame)?.[1]
    if (at) delays.push(Date.now() - Date.parse(at))
  })
  progress('streams at rest')
  await sleep(restMs)
  const after = residentMib(server.pid)
  line('memory of a stream that waits', `${(((after - before) * 1024) / streams).toFixed(1)} KiB`)

  for (let n = 0; n < told; n++) {
    progress(`event ${n + 1} of ${told}`)
    const code = randomUUID()
    await fetch(`${server.url}/api/v1/menus`, {
      method: 'POST',
      headers: { authorization: tokens[n % tokens.length] ?? '', 'content-type': 'application/json' },
      body: JSON.stringify({ code, label: 'Menu' }),
    })
    await sleep(toldPauseMs)
  }
  await untilAll(listeners, told)
  delays.sort((a, b) => a - b)
  line(
    `delay from the begin of a transaction to ${streams} streams`,
    `p50 ${quantile(delays, 0.5)} ms, p99 ${quantile(delays, 0.99)} ms`,
  )

  progress('burst')
  const startedAt = await withConnection(appUrl, async (client) => {
    await client.query(
      `insert into events (topic, target, payload)
       select 'menu.created', gen_random_uuid(), '{"code": "code", "label": "Menu"}' from generate_series(1, $1::int)`,
      [burst],
    )
    const now = performance.now()
    await client.query('select number_events(1000)')
    return now
  })
  await untilAll(listeners, told + burst)
  const perSecond = (burst * 1_000) / (performance.now() - startedAt)
  line(`events a second told to ${streams} streams`, perSecond.toFixed(0))
  for (const { socket } of listeners) socket.destroy()
}

const untilAll = async (listeners: readonly Listener[], count: number): Promise<void> => {
  const deadline = performance.now() + 120_000
  while (listeners.some((listener) => listener.count < count)) {
    if (performance.now() > deadline)
      throw new Error(
        `not every stream was told ${count} events within two minutes: ${[...new Set(listeners.map((listener) => listener.count))].slice(0, 10)}`,
      )
    await sleep(5)
  }
}

const line = (what: string, found: string): void => {
  progress()
  console.log(`${what}: ${found}`)
}

const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-bench-'))
const database = await startDatabase(folder)
try {
  const { signedIn } = await makePeople(database.ownerUrl, folder)
  await withConnection(database.ownerUrl, (client) =>
    client.query(
      `insert into user_roles (user_id, role_id) select users.id, roles.id from users, roles
       where users.email = any($1) and code = 'admin' and is_system and tenant_id is null`,
      [Array.from({ length: streams / streamsOfPerson }, (_, index) => `person-${index}@example.org`)],
    ),
  )
  const lines = readFileSync(signedIn, 'utf8').split('\n')
  const tokens = lines.slice(0, streams / streamsOfPerson).map((text) => text.split('\t')[1] ?? '')
  await measureRecord(database)
  const server = await startOwn('tsforge', { database })
  try {
    await measureStreams(server, database, tokens)
  } finally {
    await server.stop()
  }
} finally {
  await database.stop()
  rmSync(folder, { recursive: true, force: true })
}
