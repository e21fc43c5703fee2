/**
 * Proves what README and docs/proofs.md promise of events: none that was acknowledged is lost and none invented, though
 * servers are killed at each step and the database with them; clients of every wire end with the complete sequence.
 */

import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { withConnection } from '../../db/oneConnection.ts'
import { type Bundle, bundlePrograms, type ServerProcess, startServer } from '../support/serverProcess.ts'
import { type ProofCluster, startCluster } from './databaseCluster.ts'
import { type EventKillPoint, eventKillPoints } from './eventsKillPoints.ts'
import { type Reader, startReader, wires } from './eventsReaders.ts'
import { checkEvents } from './eventsTables.ts'
import { startWriters, type Written } from './eventsWriters.ts'
import { type Proof, prove } from './harness.ts'
import { openAccount } from './keyedCalls.ts'
import { sum } from './numbers.ts'

const instances = 3
const readersOfPerson = 8

interface Scene {
  readonly cluster: ProofCluster
  readonly start: (point?: EventKillPoint, passed?: number) => Promise<ServerProcess>
  readonly tokens: readonly string[]
}

interface Plan {
  readonly kills: number
  readonly outages: number
  readonly readers: number
  readonly freezes: number
  /** How long it goes on when nothing is killed. */
  readonly calmMs: number
  /** How long readers and consumers may take to the last event, once nothing is written any more. */
  readonly patienceMs: number
}

const startOn = (bundle: Bundle, { appUrl, gateUrl, ownerUrl }: ProofCluster) => {
  let isMigrated = false
  return (point?: EventKillPoint, passed = 0) => {
    const environment = {
      DATA_DIR: bundle.folder,
      DATABASE_URL: appUrl,
      DATABASE_GATE_URL: gateUrl,
      DATABASE_MIGRATE_URL: ownerUrl,
      DATABASE_MAX_CONNECTIONS: '8',
      MIGRATE_ON_START: String(!isMigrated),
    }
    isMigrated = true
    const words = point ? [point, String(passed)] : []
    return startServer({ program: bundle.pathOf('eventsServer'), arguments: words, environment })
  }
}

/** Administrators, who see every event of this proof; a person may hold ten streams. */
const openReaders = async (url: string, ownerUrl: string, count: number): Promise<string[]> => {
  const agent = new Agent()
  const people = await Promise.all(Array.from({ length: count }, () => openAccount(agent, url)))
  agent.destroy()
  await withConnection(ownerUrl, (client) =>
    client.query(
      `insert into user_roles (user_id, role_id) select users.id, roles.id from users, roles
       where email = any($1) and code = 'admin' and is_system and tenant_id is null`,
      [people.map(({ email }) => email)],
    ),
  )
  return people.map(({ token }) => token)
}

/** How often a point is passed before it kills. What is handled last is reached only once a dead server's leases are over. */
const passesOf = (point?: EventKillPoint) => (point === 'handled, not confirmed' ? 3 : 12)

/** Keeps servers running; each dies at its point and is followed by another, until enough have died. */
const startFleet = ({ start }: Scene, { random, progress }: Proof, kills: number) => {
  const deaths = new Map<EventKillPoint, number>()
  const alive = new Set<ServerProcess>()
  let started = 0
  let isStopped = false
  const keep = async (): Promise<void> => {
    while (!isStopped) {
      const turn = started++
      const point = turn < kills ? eventKillPoints[turn % eventKillPoints.length] : undefined
      const server = await start(point, Math.floor(random() * passesOf(point))).catch(() => undefined)
      // It died before it was ready: that happened too.
      if (!server) {
        if (point) deaths.set(point, (deaths.get(point) ?? 0) + 1)
        continue
      }
      alive.add(server)
      const ended = await server.whenEnded
      alive.delete(server)
      if (point && ended === 'SIGKILL') deaths.set(point, (deaths.get(point) ?? 0) + 1)
      else if (point && !isStopped) started -= 1
      progress(`${sum([...deaths.values()])} of ${kills} killed`)
    }
  }
  const running = Array.from({ length: instances }, keep)
  return {
    deaths,
    urls: () => [...alive].map(({ url }) => url),
    servers: () => [...alive],
    async stop() {
      isStopped = true
      await Promise.all([...alive].map((server) => server.stop()))
      await Promise.all(running)
    },
  }
}

const runEvents = async (proof: Proof, scene: Scene, plan: Plan): Promise<void> => {
  const { cluster, tokens } = scene
  const fleet = startFleet(scene, proof, plan.kills)
  while (fleet.urls().length === 0) await sleep(50)
  const { random } = proof
  const readers = Array.from({ length: plan.readers }, (_, index): Reader => {
    const wire = wires[index % wires.length] as (typeof wires)[number]
    const token = tokens[Math.floor(index / readersOfPerson)] ?? ''
    return startReader({ wire, token, urls: fleet.urls, random, longestStayMs: 3_000 })
  })
  const writers = startWriters({ urls: fleet.urls, token: tokens[0] ?? '', appUrl: cluster.appUrl, random })
  const dead = () => sum([...fleet.deaths.values()])
  const startedAt = performance.now()
  for (let outage = 1; outage <= plan.outages; outage++) {
    while (dead() < (plan.kills * outage) / (plan.outages + 1)) await sleep(100)
    await cluster.restartImmediately()
  }
  while (dead() < plan.kills || performance.now() - startedAt < plan.calmMs) await sleep(100)
  for (let freeze = 0; freeze < plan.freezes; freeze++) await freezeOne(fleet.servers(), cluster)
  await writers.stop()
  await checkAll(proof, { cluster, readers, writers, patienceMs: plan.patienceMs })
  for (const point of eventKillPoints)
    if (plan.kills > 0)
      proof.atLeast(
        `servers killed, ${point}`,
        fleet.deaths.get(point) ?? 0,
        Math.floor(plan.kills / eventKillPoints.length),
      )
  await fleet.stop()
}

/** One server sleeps until its leases are taken over, and wakes up in the belief that they are its own. */
const freezeOne = async ([server]: readonly ServerProcess[], { ownerUrl }: ProofCluster): Promise<void> => {
  if (!server) return
  process.kill(server.pid, 'SIGSTOP')
  const lost = 'select 1 from event_consumers where leased_until < clock_timestamp() limit 1'
  await withConnection(ownerUrl, async (client) => {
    const deadline = performance.now() + 40_000
    const before = await client.query('select sum(lease) as taken from event_consumers')
    for (;;) {
      const now = await client.query('select sum(lease) as taken from event_consumers')
      const isTaken = now.rows[0].taken !== before.rows[0].taken && (await client.query(lost)).rowCount === 0
      if (isTaken || performance.now() > deadline) break
      await sleep(200)
    }
  })
  process.kill(server.pid, 'SIGCONT')
}

interface Ended {
  readonly cluster: ProofCluster
  readonly readers: readonly Reader[]
  readonly writers: Written
  readonly patienceMs: number
}

const checkAll = async (proof: Proof, { cluster, readers, writers, patienceMs }: Ended): Promise<void> => {
  await withConnection(cluster.ownerUrl, async (client) => {
    const last = await checkEvents(proof, client, writers, patienceMs)
    await Promise.all(readers.map((reader) => reader.untilAt(last, patienceMs)))
    const { rows } = await client.query(
      'select position::int as position from events where position is not null order by position',
    )
    const all = rows.map(({ position }) => position as number)
    for (const wire of wires) {
      const own = readers.filter((reader) => reader.wire === wire)
      const wrong = own.filter(({ positions }) => {
        const first = positions[0] ?? 0
        return positions.length === 0 || positions.join() !== all.filter((position) => position >= first).join()
      })
      const returns = sum(own.map((reader) => reader.returns()))
      const sentence = `each client over ${wire} has the complete sequence, in order and nothing twice`
      proof.check(sentence, wrong.length === 0, `${wrong.length} of ${own.length} have not`)
      proof.figure(`clients over ${wire}, and times they came back`, `${own.length}, ${returns}`)
    }
  })
}

/** What numbers without waiting for those that commit late: the order of recording, as a plain sequence would have it. */
const naiveNumbering = `
  create or replace function number_events(batch integer) returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
  begin
    update events set position = sequence where position is null;
    update event_log set last_position = coalesce((select max(position) from events), 0);
    return (select last_position from event_log);
  end $$`

await prove('events', { limitSeconds: 3_000 }, async (proof) => {
  const bundle = await bundlePrograms({ eventsServer: 'tests/prove/eventsServer.ts' })
  const cluster = await startCluster({ isDurable: true })
  try {
    const start = startOn(bundle, cluster)
    const first = await start()
    await withConnection(cluster.ownerUrl, (client) =>
      client.query(`create table proof_handled (id bigint generated always as identity, consumer text, position bigint, target text);
        grant select, insert on proof_handled to app`),
    )
    const readers = proof.isQuick ? 24 : 100
    const tokens = await openReaders(first.url, cluster.ownerUrl, Math.ceil(readers / readersOfPerson))
    await first.stop()
    const scene = { cluster, start, tokens }
    const plan = proof.isQuick
      ? { kills: 9, outages: 1, freezes: 0, readers, calmMs: 0, patienceMs: 60_000 }
      : { kills: 102, outages: 5, freezes: 1, readers, calmMs: 0, patienceMs: 60_000 }
    await runEvents(proof, scene, plan)
    await proof.control('numbering in the order of recording', 'the complete sequence', async (inner) => {
      await withConnection(cluster.ownerUrl, (client) => client.query(naiveNumbering))
      await runEvents(inner, scene, { kills: 0, outages: 0, freezes: 0, readers: 6, calmMs: 6_000, patienceMs: 5_000 })
    })
  } finally {
    await cluster.stop()
    bundle.remove()
  }
})
