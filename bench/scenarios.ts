import { setTimeout as sleep } from 'node:timers/promises'
import { residentMib } from '../server/cli/bench/processes.ts'
import { checkSame, checkSameHeaders } from './check.ts'
import type { BenchDatabase } from './database.ts'
import { applyLoad, type Load } from './load.ts'
import { compareLogins, type Logins } from './logins.ts'
import { costs, type Feeds } from './people.ts'
import { progress } from './progress.ts'
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

/** Names that the targets are judged by. */
export const names = {
  own: 'tsforge',
  quiet: 'tsforge, LOG_LEVEL=warn',
  sameReply: 'bare, the same reply',
  least: 'bare, body and its type',
  jose: 'bare, jose each call',
  remembered: 'bare, claims remembered',
}

export const measureHealth = async (stage: Stage): Promise<Outcome> => {
  const load: Load = { method: 'GET', path: '/healthz', connections: 256 }
  const same = await kept(stage, startBare(names.sameReply, 'health', { environment: { HEADERS: 'all' } }))
  const least = await kept(stage, startBare(names.least, 'health'))
  const own = await startBoth(stage)
  for (const server of own) await checkSameHeaders(load, same, server)
  return compareSame(load, [same, least, ...own], stage)
}

export const meLoad = ({ feeds }: Stage): Load => ({
  method: 'GET',
  path: '/api/v1/auth/me',
  connections: 128,
  feed: feeds.signedIn,
})

export const measureMe = async (stage: Stage): Promise<Outcome> => {
  const { database } = stage
  const remembered = startBare(names.remembered, 'me', { database, environment: { CLAIMS: 'remembered' } })
  const bare = [await kept(stage, remembered), await kept(stage, startBare(names.jose, 'me', { database }))]
  return compareSame(meLoad(stage), [...bare, ...(await startBoth(stage))], stage)
}

export const measureLogins = async (stage: Stage): Promise<readonly Logins[]> => {
  const outcomes: Logins[] = []
  for (const [index, cost] of costs.entries()) {
    const feed = stage.feeds.logins[index] ?? ''
    const load: Load = { method: 'POST', path: '/api/v1/auth/login', connections: cost.connections, feed }
    const server = await own(stage, names.own, { cost, isBehindProxy: true })
    await checkSame(load, [server])
    outcomes.push(await compareLogins(server, load, { cost, length: stage.length }))
    await server.stop()
  }
  return outcomes
}

const burstSeconds = 1
const settleMs = 500

/** Resident memory of fresh servers once they have answered so many requests or a burst more, in turns. */
export const measureMemory = async (stage: Stage): Promise<Memory> => {
  const bare = startBare(names.remembered, 'me', { database: stage.database, environment: { CLAIMS: 'remembered' } })
  const servers = [await kept(stage, bare), await own(stage, names.own)]
  const watched = servers.map((server) => ({ server, served: 0, residentMib: [] as number[] }))
  for (const mark of stage.marks) {
    for (const each of watched) {
      progress(`memory of ${each.server.name} after ${mark} calls`)
      while (each.served < mark) each.served += (await applyLoad(each.server, meLoad(stage), burstSeconds)).requests
      await sleep(settleMs)
      each.residentMib.push(residentMib(each.server.pid))
    }
  }
  return { marks: stage.marks, servers: watched.map(({ server: { name }, residentMib }) => ({ name, residentMib })) }
}

const compareSame = async (load: Load, servers: readonly Server[], { length }: Stage): Promise<Outcome> => {
  await checkSame(load, servers)
  try {
    return await compare(load, servers, length)
  } finally {
    for (const server of servers) await server.stop()
  }
}

const kept = async ({ atEnd }: Stage, starting: Promise<Server>): Promise<Server> => {
  const server = await starting
  atEnd(server.stop)
  return server
}

export const own = (stage: Stage, name: string, options: Omit<OwnOptions, 'database'> = {}): Promise<Server> => {
  const { database, profileFolder } = stage
  return kept(stage, startOwn(name, { database, profileFolder, ...options }))
}

/** As it comes, with a line for each request, and without. */
const startBoth = async (stage: Stage): Promise<readonly Server[]> => [
  await own(stage, names.own),
  await own(stage, names.quiet, { logLevel: 'warn' }),
]
