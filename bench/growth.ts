import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { progress } from '../server/cli/progress.ts'
import { type BenchDatabase, startDatabase } from './database.ts'
import { deliverEvents } from './delivery.ts'
import type { Figures, Load } from './load.ts'
import { newPeople, type Person, storePeople, writeSignedIn } from './people.ts'
import { compare, type Length, medians, turns } from './rounds.ts'
import { fillWithOthers } from './rowsOfOthers.ts'
import { type Server, startOwn } from './servers.ts'

/** What one thing costs at each of the sizes, by CPU of server and database together; no sizes where one did not answer. */
export interface Growth {
  readonly what: string
  readonly sizes: readonly (Figures & { readonly rows: number })[]
  /** What the last of the sizes costs, as a multiple of the first. */
  readonly ratio: number
}

/** Those who ask; everybody else in the tables is there to be passed by. */
const peopleCount = 1_000
const adminCount = 20
const connections = 16

const lengths = {
  full: { sizes: [1_000, 100_000, 1_000_000], rounds: 5, seconds: 1, warmUpSeconds: 2, events: 200 },
  quick: { sizes: [1_000, 100_000], rounds: 3, seconds: 1, warmUpSeconds: 1, events: 50 },
}

interface Site {
  readonly rows: number
  readonly database: BenchDatabase
  readonly server: Server
}

export interface Way {
  readonly isQuick: boolean
  /** Registers what ends a thing that was started. */
  readonly atEnd: (end: () => Promise<void>) => void
}

/** What requests and one event cost while the tables around a caller grow: a server and a database for each size, asked in turns. */
export const measureGrowth = async ({ isQuick, atEnd }: Way): Promise<readonly Growth[]> => {
  const length = isQuick ? lengths.quick : lengths.full
  const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-bench-'))
  atEnd(async () => rmSync(folder, { recursive: true, force: true }))
  const people = await newPeople(peopleCount, ['no password has this hash'])
  const sites: Site[] = []
  for (const rows of length.sizes) sites.push(await startSite(path.join(folder, `${rows}`), { rows, people, atEnd }))
  const [admins, others] = [people.slice(0, adminCount), people.slice(adminCount)]
  const feeds = {
    own: writeSignedIn(path.join(folder, 'own'), others),
    admin: writeSignedIn(path.join(folder, 'admin'), admins),
  }
  const grown: Growth[] = []
  for (const load of loadsOf(feeds)) grown.push(await measureLoad(load, sites, length))
  return [...grown, await measureDelivery(sites, { authorization: `Bearer ${admins[0]?.token}`, ...length })]
}

const loadsOf = ({ own, admin }: { own: string; admin: string }): Load[] =>
  [
    ['/api/v1/auth/me', own],
    ['/api/v1/me/access', own],
    ['/api/v1/menus/mine', own],
    ['/api/v1/users?limit=50', admin],
    ['/api/v1/menus?limit=50', admin],
  ].map(([path = '', feed = '']) => ({ method: 'GET', path, connections, feed }))

interface Making {
  readonly rows: number
  readonly people: readonly Person[]
  readonly atEnd: Way['atEnd']
}

const startSite = async (folder: string, { rows, people, atEnd }: Making): Promise<Site> => {
  progress(`filling tables with ${rows} rows`)
  mkdirSync(folder)
  const database = await startDatabase(folder)
  atEnd(database.stop)
  await storePeople(database.ownerUrl, people)
  const emails = people.map(({ email }) => email)
  await fillWithOthers(database.ownerUrl, { rows, people: emails, admins: emails.slice(0, adminCount) })
  const server = await startOwn(`${rows} rows`, { database, environment: { RATE_LIMIT_PER_MINUTE: '0' } })
  atEnd(server.stop)
  return { rows, database, server }
}

/** What is not answered in time at one of the sizes has grown without bound; the rest is measured nevertheless. */
const measureLoad = async (load: Load, sites: readonly Site[], length: Length): Promise<Growth> => {
  const what = `GET ${load.path}`
  try {
    const servers = sites.map(({ server }) => server)
    return growthOf(what, sites, (await compare(load, servers, length)).rows)
  } catch (error) {
    console.error(`${what}: ${error instanceof Error ? error.message : error}`)
    return { what, sizes: [], ratio: Number.POSITIVE_INFINITY }
  }
}

const growthOf = (what: string, sites: readonly Site[], figures: readonly Figures[]): Growth => {
  const sizes = sites.flatMap(({ rows }, index) => {
    const at = figures[index]
    return at ? [{ rows, ...at }] : []
  })
  const [first, last] = [sizes[0], sizes.at(-1)]
  return { what, sizes, ratio: costOf(last) / costOf(first) }
}

/** The numbers of rows that were measured. */
export const sizesOf = (growth: readonly Growth[]): readonly number[] =>
  growth.find(({ sizes }) => sizes.length > 0)?.sizes.map(({ rows }) => rows) ?? []

/** CPU of server and database. */
export const costOf = (figures: Figures | undefined): number =>
  figures ? figures.serverCpu + figures.postgresCpu : Number.NaN

const measureDelivery = async (
  sites: readonly Site[],
  { authorization, rounds, events }: { authorization: string; rounds: number; events: number },
): Promise<Growth> => {
  const taken = sites.map((): Figures[] => [])
  // The round before the first warms up.
  for (let round = -1; round < rounds; round += 1) {
    for (const index of turns(sites.length, round + 1)) {
      const site = sites[index]
      if (!site) continue
      progress(`one event: ${site.server.name}, round ${round + 1} of ${rounds}`)
      const figures = await deliverEvents(site.server, { database: site.database, authorization, count: events })
      if (round >= 0) taken[index]?.push(figures)
    }
  }
  return growthOf('one event, recorded and told', sites, taken.map(medians))
}
