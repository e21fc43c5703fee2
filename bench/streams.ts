import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withConnection } from '../db/oneConnection.ts'
import { latenciesOf } from '../server/cli/bench/latencies.ts'
import { residentMib } from '../server/cli/bench/processes.ts'
import { progress } from '../server/cli/progress.ts'
import { type BenchDatabase, startDatabase } from './database.ts'
import type { Way } from './growth.ts'
import { type Listener, openStream } from './listener.ts'
import { makePeople } from './people.ts'
import { measureRecording } from './recording.ts'
import { type Server, startOwn } from './servers.ts'

const streams = 1_000
const streamsOfPerson = 10
const toldPauseMs = 50
const restMs = 3_000
const patienceMs = 120_000
const lengths = {
  full: { rounds: 5, roundMs: 3_000, told: 200, burst: 2_000 },
  quick: { rounds: 3, roundMs: 1_000, told: 40, burst: 500 },
}

/** What is said of events, and the figure. */
export type StreamFinding = readonly [what: string, found: string]

/**
 * What events cost: transactions with and without a recorded event, what a stream holds in memory that waits, the delay
 * from a transaction to 1,000 streams, and how many events a second they can be told.
 */
export const measureStreams = async ({ isQuick, atEnd }: Way): Promise<readonly StreamFinding[]> => {
  const length = isQuick ? lengths.quick : lengths.full
  const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-bench-'))
  atEnd(async () => rmSync(folder, { recursive: true, force: true }))
  const database = await startDatabase(folder)
  atEnd(database.stop)
  const tokens = await tokensOfAdmins(database, folder)
  const { without, recorded } = await measureRecording(database, length)
  const server = await startOwn('tsforge', { database })
  atEnd(server.stop)
  return [
    ['transactions a second without an event', without.toFixed(0)],
    ['… with one, numbered meanwhile', `${recorded.toFixed(0)} (${(recorded / without).toFixed(2)} of that)`],
    ...(await tell(server, { database, tokens, ...length })),
  ]
}

const tokensOfAdmins = async ({ ownerUrl }: BenchDatabase, folder: string): Promise<readonly string[]> => {
  const count = streams / streamsOfPerson
  const { signedIn } = await makePeople(ownerUrl, folder)
  await withConnection(ownerUrl, (client) =>
    client.query(
      `insert into user_roles (user_id, role_id) select users.id, roles.id from users, roles
       where users.email = any($1) and code = 'admin' and is_system and tenant_id is null`,
      [Array.from({ length: count }, (_, index) => `person-${index}@example.org`)],
    ),
  )
  const lines = readFileSync(signedIn, 'utf8').split('\n')
  return lines.slice(0, count).map((text) => text.split('\t')[1] ?? '')
}

interface Telling {
  readonly database: BenchDatabase
  readonly tokens: readonly string[]
  /** Events made by requests, one after another. */
  readonly told: number
  /** Events that are there at once. */
  readonly burst: number
}

const tell = async (server: Server, { database, tokens, told, burst }: Telling): Promise<StreamFinding[]> => {
  const delays: number[] = []
  const before = residentMib(server.pid)
  const listeners = await openStreams(server, tokens, (frame) => {
    const at = /"occurred_at":"([^"]+)"/.exec(frame)?.[1]
    if (at) delays.push(Date.now() - Date.parse(at))
  })
  progress('streams at rest')
  await sleep(restMs)
  const kib = ((residentMib(server.pid) - before) * 1024) / streams
  for (let n = 0; n < told; n++) {
    progress(`event ${n + 1} of ${told}`)
    await createMenu(server, tokens[n % tokens.length] ?? '')
    await sleep(toldPauseMs)
  }
  await untilAll(listeners, told)
  const { p50, p99 } = latenciesOf(Float64Array.from(delays))
  const delay = `p50 ${p50} ms, p99 ${p99} ms`
  progress(`${burst} events at once`)
  const startedAt = await recordMany(database, burst)
  await untilAll(listeners, told + burst)
  const perSecond = (burst * 1_000) / (performance.now() - startedAt)
  for (const { socket } of listeners) socket.destroy()
  return [
    ['memory of a stream that waits', `${kib.toFixed(1)} KiB`],
    [`delay from the begin of a transaction to ${streams} streams`, delay],
    [`events a second told to ${streams} streams`, perSecond.toFixed(0)],
  ]
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

const createMenu = (server: Server, authorization: string): Promise<Response> =>
  fetch(`${server.url}/api/v1/menus`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ code: randomUUID(), label: 'Menu' }),
  })

/** Returns when they were there to be told. */
const recordMany = ({ appUrl }: BenchDatabase, count: number): Promise<number> =>
  withConnection(appUrl, async (client) => {
    await client.query(
      `insert into events (topic, target, payload)
       select 'menu.created', gen_random_uuid(), '{"code": "code", "label": "Menu"}' from generate_series(1, $1::int)`,
      [count],
    )
    const now = performance.now()
    await client.query('select number_events(1000)')
    return now
  })

const untilAll = async (listeners: readonly Listener[], count: number): Promise<void> => {
  const deadline = performance.now() + patienceMs
  while (listeners.some((listener) => listener.count < count)) {
    if (performance.now() > deadline) {
      const counts = [...new Set(listeners.map((listener) => listener.count))].slice(0, 10)
      throw new Error(`not every stream was told ${count} events within two minutes: ${counts}`)
    }
    await sleep(5)
  }
}
