/**
 * Proves what README and docs/proofs.md promise of slow readers: one that never reads costs a bounded piece of memory
 * and is closed; one that reads slowly is given everything.
 */
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { withConnection } from '../../db/oneConnection.ts'
import { type Bundle, bundlePrograms, type ServerProcess, startServer } from '../support/serverProcess.ts'
import { type ProofCluster, startCluster } from './databaseCluster.ts'
import { type Proof, prove } from './harness.ts'
import { openAccount } from './keyedCalls.ts'
import { openStalled, openTrickler } from './slowReaders.ts'

const streamsOfPerson = 10
const memoryOfReader = 256 * 1024
const closedWithinMs = 60_000
const warmUps = 10
/** So that what grows is what is held: with more room, V8 lets garbage lie until there is four times as much. */
const heapMib = 128

interface Plan {
  readonly stalled: number
  readonly tricklers: number
  readonly events: number
}

/** Infinite for a process that ran out of memory. */
const residentBytes = ({ pid, ended }: ServerProcess): number => {
  if (ended() !== undefined) return Number.POSITIVE_INFINITY
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

const openStreams = async ({ url }: ServerProcess): Promise<number> => {
  const text = await fetch(`${url}/admin/metrics`).then(
    (reply) => reply.text(),
    () => 'tsforge_streams_open 0',
  )
  return Number(/^tsforge_streams_open (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
}

const start = (bundle: Bundle, { appUrl, gateUrl, ownerUrl }: ProofCluster, guardTaken?: 'unbounded') =>
  startServer({
    program: bundle.pathOf('slowServer'),
    arguments: guardTaken ? [guardTaken] : [],
    nodeOptions: [`--max-old-space-size=${heapMib}`],
    environment: {
      DATA_DIR: bundle.folder,
      DATABASE_URL: appUrl,
      DATABASE_GATE_URL: gateUrl,
      DATABASE_MIGRATE_URL: ownerUrl,
      MIGRATE_ON_START: 'true',
    },
  })

/** Signed-in administrators, who see all events. */
const administrators = async (url: string, client: Client, count: number): Promise<string[]> => {
  const agent = new Agent()
  const people = await Promise.all(Array.from({ length: count }, () => openAccount(agent, url)))
  agent.destroy()
  await client.query(
    `insert into user_roles (user_id, role_id) select users.id, roles.id from users, roles
     where email = any($1) and code = 'admin' and is_system and tenant_id is null`,
    [people.map(({ email }) => email)],
  )
  return people.map(({ token }) => token)
}

/** Events of about 1,800 bytes on the wire, so that they outgrow what the kernels of both ends keep, numbered at once; resolves to the id before the first. */
const writeEvents = async (client: Client, count: number): Promise<string> => {
  const { rows } = await client.query('select epoch, last_position as last from event_log')
  await client.query(
    `insert into events (topic, target, payload)
     select 'menu.created', gen_random_uuid(), jsonb_build_object('code', 'code', 'label', repeat('x', 1500))
     from generate_series(1, $1::int)`,
    [count],
  )
  for (let left = count; left > 0; left -= 1_000) await client.query('select number_events(1000)')
  return `${rows[0].epoch}.${rows[0].last}`
}

/** Reads as fast as it can until it has them all. */
const readAll = async (reader: Parameters<typeof openTrickler>[0], events: number): Promise<void> => {
  const { done, close } = openTrickler(reader, { events, bytesAtOnce: 1_048_576, pauseMs: 0 })
  await done
  close()
}

const runSlow = async (proof: Proof, server: ServerProcess, client: Client, plan: Plan): Promise<void> => {
  const { stalled, tricklers, events } = plan
  const people = Math.ceil((stalled + tricklers) / streamsOfPerson)
  const tokens = await administrators(server.url, client, people)
  const tokenOf = (index: number) => tokens[Math.floor(index / streamsOfPerson)] ?? ''
  const lastId = await writeEvents(client, events)
  // What the process needs to read the log at all is no reader's share: ten that read have read it before.
  const warm = { url: server.url, token: tokenOf(stalled + tricklers - 1), lastId }
  await Promise.all(Array.from({ length: warmUps }, () => readAll(warm, events)))
  const before = residentBytes(server)
  const sockets = Array.from({ length: stalled }, (_, index) =>
    openStalled({ url: server.url, token: tokenOf(index), lastId }),
  )
  const slow = Array.from({ length: tricklers }, (_, index) =>
    openTrickler(
      { url: server.url, token: tokenOf(stalled + index), lastId },
      { events, bytesAtOnce: 16_384, pauseMs: 50 },
    ),
  )
  let peak = before
  let most = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, residentBytes(server))
  }, 100)
  // Asked seldom: a scrape takes memory, too.
  const ask = setInterval(() => {
    void openStreams(server).then((count) => {
      most = Math.max(most, count)
    })
  }, 1_000)
  const given = await Promise.all(slow.map(({ done }) => done))
  const deadline = performance.now() + closedWithinMs
  let open = await openStreams(server)
  while (open > tricklers && performance.now() < deadline) {
    await sleep(200)
    open = await openStreams(server)
  }
  clearInterval(watch)
  clearInterval(ask)
  proof.atLeast('streams open at once', most, stalled + tricklers)
  const grown = peak - before
  proof.check(
    'memory grows by less than 256 KiB a reader that does not read',
    grown < stalled * memoryOfReader,
    `${Math.round(grown / stalled / 1024)} KiB`,
  )
  proof.check('every reader that does not read is closed', open <= tricklers, `${open} streams are open`)
  const short = given.filter((count) => count < events)
  proof.check('every slow reader is given all events', short.length === 0, short.join(', '))
  proof.figure('memory grown, KiB a reader that does not read', Math.round(grown / stalled / 1024))
  for (const socket of sockets) socket.destroy()
  for (const { close } of slow) close()
}

await prove('slow', { limitSeconds: 600 }, async (proof) => {
  const bundle = await bundlePrograms({ slowServer: 'tests/prove/slowServer.ts' })
  const cluster = await startCluster({ isDurable: false })
  const run = async (inner: Proof, plan: Plan, guardTaken?: 'unbounded') => {
    const server = await start(bundle, cluster, guardTaken)
    try {
      await withConnection(cluster.ownerUrl, (client) => runSlow(inner, server, client, plan))
    } finally {
      await server.stop()
    }
  }
  try {
    await run(proof, { stalled: 200, tricklers: 10, events: proof.isQuick ? 4_000 : 10_000 })
    await proof.control('a server that writes to full sockets', 'memory grows by less', (inner) =>
      run(inner, { stalled: 60, tricklers: 1, events: 4_000 }, 'unbounded'),
    )
  } finally {
    await cluster.stop()
    bundle.remove()
  }
})
