import { checkSame, checkSameBytes } from './check.ts'
import { type BenchDatabase, startDatabase } from './database.ts'
import { type Feeds, writeFeeds } from './feeds.ts'
import { fill } from './fill.ts'
import type { Load } from './load.ts'
import { type LoginOutcome, runLogins } from './logins.ts'
import { watchMemory } from './memory.ts'
import { makePeople } from './people.ts'
import { buildPrograms } from './programs.ts'
import { type Length, type Outcome, runScenario } from './rounds.ts'
import { type OwnServer, type ServerParts, startBare, startOwn } from './servers.ts'
import type { Target } from './targets.ts'
import type { Results } from './verdicts.ts'

const lengths = {
  quick: { rounds: 2, seconds: 1, warmUpSeconds: 1 },
  full: { rounds: 5, seconds: 4, warmUpSeconds: 3 },
} as const
const marks = { quick: [5_000, 20_000], full: [50_000, 100_000, 150_000, 200_000] } as const

export const parts = ['health', 'me', 'growth', 'logins', 'memory'] as const
export type Part = (typeof parts)[number]

export interface MeasureOptions {
  readonly folder: string
  readonly isQuick: boolean
  /** What of it is measured. */
  readonly only: readonly Part[]
  /** Of the servers of tsforge. */
  readonly nodeOptions: readonly string[]
  /** Registers what ends a thing that was started. */
  readonly atEnd: (end: () => Promise<void>) => void
}

interface Stage {
  readonly server: ServerParts
  readonly feeds: Feeds
  readonly small: BenchDatabase
  readonly large: BenchDatabase
  readonly length: Length
  readonly isQuick: boolean
  readonly own: (server: OwnServer) => Promise<Target>
  readonly bare: (name: string, program: string, environment: Record<string, string>) => Promise<Target>
}

/** One scenario after the other; what is not asked for stays undefined. */
export const measureAll = async (options: MeasureOptions): Promise<Results> => {
  const stage = await setUp(options)
  const only = <T>(part: Part, measure: () => Promise<T>) =>
    options.only.includes(part) ? measure() : Promise.resolve(undefined)
  return {
    health: await only('health', () => measureHealth(stage)),
    me: await only('me', () => measureMe(stage)),
    growth: await only('growth', () => measureGrowth(stage)),
    logins: await only('logins', async () => [
      await measureLogins(stage, 'cheap'),
      await measureLogins(stage, 'accepted'),
    ]),
    memory: await only('memory', () => measureMemory(stage)),
  }
}

const setUp = async ({ folder, isQuick, nodeOptions, atEnd }: MeasureOptions): Promise<Stage> => {
  const server = await startDatabase(folder)
  atEnd(server.stop)
  const [pathOf, people] = await Promise.all([buildPrograms(folder), makePeople()])
  const feeds = writeFeeds(folder, people)
  const small = await server.create('bench_small')
  const large = await server.create('bench_large')
  await fill(small.ownerUrl, people, 10)
  await fill(large.ownerUrl, people, 10_000)
  const running = { pathOf, postmaster: server.postmaster, nodeOptions }
  const kept = async (starting: Promise<Target>) => {
    const target = await starting
    atEnd(target.stop)
    return target
  }
  return {
    server: running,
    isQuick,
    feeds,
    small,
    large,
    length: isQuick ? lengths.quick : lengths.full,
    own: (own) => kept(startOwn(running, own)),
    bare: (name, program, environment) =>
      kept(startBare(running, { name, program, environment }, program === 'me' ? small : undefined)),
  }
}

const measureHealth = async (stage: Stage): Promise<Outcome> => {
  const { bare, length, isQuick } = stage
  const same = await bare('bare, the same bytes', 'health', { HEADERS: 'all' })
  const least = isQuick ? [] : [await bare('bare, body and its type', 'health', { HEADERS: 'least' })]
  const own = await ownInBothLogLevels(stage)
  const load: Load = { method: 'GET', path: '/healthz', connections: 256 }
  for (const target of own) await checkSameBytes(load, same, target)
  const targets = [same, ...least, ...own]
  await checkSame(load, targets)
  return runScenario({ title: 'GET /healthz, 256 connections', load, targets }, length)
}

/** A line for each request, which is how it comes, and none; the short form does with the first. */
const ownInBothLogLevels = async ({ own, small, isQuick }: Stage): Promise<readonly Target[]> => {
  const usual = await own({ name: 'tsforge', database: small })
  if (isQuick) return [usual]
  return [usual, await own({ name: 'tsforge, LOG_LEVEL=warn', database: small, logLevel: 'warn' })]
}

const meLoad = (feeds: Feeds): Load => ({
  method: 'GET',
  path: '/api/v1/auth/me',
  connections: 128,
  feed: feeds.signedIn,
})

const measureMe = async (stage: Stage): Promise<Outcome> => {
  const { bare, feeds, length, isQuick } = stage
  const verifying = await bare('bare, jose every call', 'me', {})
  const caching = isQuick ? [] : [await bare('bare, claims remembered', 'me', { CLAIMS: 'cached' })]
  const load = meLoad(feeds)
  const targets = [verifying, ...caching, ...(await ownInBothLogLevels(stage))]
  await checkSame(load, targets)
  return runScenario({ title: 'GET /api/v1/auth/me, 128 connections', load, targets }, length)
}

const measureGrowth = async ({ own, feeds, small, large, length }: Stage): Promise<readonly Outcome[]> => {
  const targets = [
    await own({ name: '10 roles and menu entries', database: small }),
    await own({ name: '10,000 of them', database: large }),
  ]
  const outcomes: Outcome[] = []
  for (const path of ['/api/v1/me/access', '/api/v1/menus/mine']) {
    const load: Load = { method: 'GET', path, connections: 64, feed: feeds.signedIn }
    await checkSame(load, targets)
    outcomes.push(await runScenario({ title: `GET ${path}, 64 connections`, load, targets }, length))
  }
  return outcomes
}

const measureLogins = async (stage: Stage, cost: 'cheap' | 'accepted'): Promise<LoginOutcome> => {
  const { own, small, feeds, server, length } = stage
  const target = await own({ name: `tsforge, ${cost} hash`, database: small, cost, isBehindProxy: true })
  const load: Load = { method: 'POST', path: '/api/v1/auth/login', connections: 48, feed: feeds.logins[cost] }
  await checkSame(load, [target])
  return runLogins({ target, load, cost, hashProgram: server.pathOf('hash') }, length)
}

const measureMemory = async ({ bare, own, small, feeds, isQuick }: Stage): Promise<Results['memory']> => {
  const wanted = isQuick ? marks.quick : marks.full
  const targets = [await bare('bare', 'me', {}), await own({ name: 'tsforge', database: small })]
  return { marks: wanted, servers: await watchMemory(targets, meLoad(feeds), wanted) }
}
