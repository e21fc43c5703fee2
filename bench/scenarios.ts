import { setTimeout as sleep } from 'node:timers/promises'
import { residentMib } from '../server/cli/bench/processes.ts'
import { progress } from '../server/cli/progress.ts'
import { type Burst, measureBursts } from './burst.ts'
import { checkRefusals, checkSame, checkSameHeaders } from './check.ts'
import type { BenchDatabase } from './database.ts'
import { applyLoad, type Load } from './load.ts'
import { compareLogins, type Logins } from './logins.ts'
import { names } from './names.ts'
import { fastifyWithShortcuts, type Peer, peers, startPeer, trpcPaths } from './peers.ts'
import { costs, type Feeds } from './people.ts'
import { compare, type Length, type Outcome } from './rounds.ts'
import { type OwnOptions, type Server, startBare, startOwn } from './servers.ts'

/** What every scenario works with. */
export interface Stage {
  readonly database: BenchDatabase
  readonly feeds: Feeds
  readonly length: Length
  /** Requests after which memory is read. */
  readonly marks: readonly number[]
  readonly profileFolder: string | undefined
  /** Registers what ends a thing that was started. */
  readonly atEnd: (end: () => Promise<void>) => void
}

export interface Memory {
  readonly marks: readonly number[]
  readonly servers: readonly { readonly name: string; readonly residentMib: readonly number[] }[]
}

const all: readonly Peer[] = Object.values(peers)

export const measureHealth = async (stage: Stage): Promise<Outcome> => {
  const load: Load = { method: 'GET', path: '/healthz', connections: 256 }
  const same = await kept(stage, startBare(names.sameReply, 'health', { environment: { HEADERS: 'all' } }))
  const least = await kept(stage, startBare(names.least, 'health'))
  const own = await startBoth(stage)
  for (const server of own) await checkSameHeaders(load, same, server)
  return compareSame(load, [same, least, ...own, ...(await startAll(stage, all))], stage)
}

export const meLoad = ({ feeds }: Stage): Load => ({
  method: 'GET',
  path: '/api/v1/auth/me',
  connections: 128,
  feed: feeds.signedIn,
})

export const measureMe = async (stage: Stage): Promise<Outcome> => {
  const { database, feeds } = stage
  const load = meLoad(stage)
  const remembered = startBare(names.remembered, 'me', { database, environment: { CLAIMS: 'remembered' } })
  const bare = [await kept(stage, remembered), await kept(stage, startBare(names.jose, 'me', { database }))]
  const [own, quiet] = await startBoth(stage)
  const ours = [own, { ...own, name: names.overTrpc, paths: trpcPaths }, quiet]
  const servers = [...bare, ...ours, ...(await startAll(stage, [...all, fastifyWithShortcuts]))]
  await checkRefusals(load, servers, feeds.refused)
  return compareSame(load, servers, stage)
}

export const measureLogins = async (stage: Stage): Promise<readonly Logins[]> => {
  const fastify = await kept(stage, startPeer(peers.fastify, stage.database))
  const outcomes: Logins[] = []
  for (const [index, cost] of costs.entries()) {
    const feed = stage.feeds.logins[index] ?? ''
    const load: Load = { method: 'POST', path: '/api/v1/auth/login', connections: cost.connections, feed }
    const server = await own(stage, names.own, { cost, isBehindProxy: true })
    const servers = cost.isBesidePeers ? [server, fastify] : [server]
    await checkSame(load, servers, { andValues: false })
    outcomes.push(await compareLogins(servers, load, { cost, length: atLeast(cost.leastSeconds, stage.length) }))
    await server.stop()
  }
  await fastify.stop()
  return outcomes
}

/** Long enough for some of the slowest answers. */
const atLeast = (least: number, { rounds, seconds, warmUpSeconds }: Length): Length => ({
  rounds,
  seconds: Math.max(least, seconds),
  warmUpSeconds: Math.max(least, warmUpSeconds),
})

/** How long the last of many connections waits that come at once. */
export const measureBurst = async (stage: Stage): Promise<readonly Burst[]> => {
  const bare = await kept(stage, startBare(names.sameReply, 'health', { environment: { HEADERS: 'all' } }))
  const servers = [bare, await own(stage, names.own), ...(await startAll(stage, all))]
  try {
    return await measureBursts(servers)
  } finally {
    await stopAll(servers)
  }
}

const burstSeconds = 1
const settleMs = 500

/** Resident memory of fresh servers once they have answered so many requests or a burst more, in turns. */
export const measureMemory = async (stage: Stage): Promise<Memory> => {
  const bare = startBare(names.remembered, 'me', { database: stage.database, environment: { CLAIMS: 'remembered' } })
  const fastify = await kept(stage, startPeer(fastifyWithShortcuts, stage.database))
  const servers = [await kept(stage, bare), await own(stage, names.own), fastify]
  const watched = servers.map((server) => ({ server, served: 0, residentMib: [] as number[] }))
  for (const mark of stage.marks) {
    for (const each of watched) {
      progress(`memory of ${each.server.name} after ${mark} calls`)
      while (each.served < mark) each.served += (await applyLoad(each.server, meLoad(stage), burstSeconds)).requests
      await sleep(settleMs)
      each.residentMib.push(residentMib(each.server.pid))
    }
  }
  await stopAll(servers)
  return { marks: stage.marks, servers: watched.map(({ server: { name }, residentMib }) => ({ name, residentMib })) }
}

const compareSame = async (load: Load, servers: readonly Server[], { length }: Stage): Promise<Outcome> => {
  await checkSame(load, servers)
  try {
    return await compare(load, servers, length)
  } finally {
    await stopAll(servers)
  }
}

const stopAll = async (servers: readonly Server[]): Promise<void> => {
  for (const server of servers) await server.stop()
}

const kept = async ({ atEnd }: Stage, starting: Promise<Server>): Promise<Server> => {
  const server = await starting
  atEnd(server.stop)
  return server
}

const startAll = async (stage: Stage, wanted: readonly Peer[]): Promise<readonly Server[]> => {
  const servers: Server[] = []
  for (const peer of wanted) servers.push(await kept(stage, startPeer(peer, stage.database)))
  return servers
}

export const own = (stage: Stage, name: string, options: Omit<OwnOptions, 'database'> = {}): Promise<Server> => {
  const { database, profileFolder } = stage
  return kept(stage, startOwn(name, { database, profileFolder, ...options }))
}

/** As it comes, with a line for each request, and without. */
const startBoth = async (stage: Stage): Promise<readonly [Server, Server]> => [
  await own(stage, names.own),
  await own(stage, names.quiet, { logLevel: 'warn' }),
]
