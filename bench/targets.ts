import { burstConnections } from './burst.ts'
import type { Growth } from './growth.ts'
import { names } from './names.ts'
import { peers } from './peers.ts'
import type { Results } from './report.ts'
import type { Outcome } from './rounds.ts'
import type { Memory } from './scenarios.ts'

/** A figure and what it should be. */
export interface Verdict {
  readonly what: string
  readonly found: string
  readonly wanted: string
  readonly isMet: boolean
}

const atMost = (what: string, found: number, bound: number): Verdict => ({
  what,
  found: found === Number.POSITIVE_INFINITY ? '∞' : found.toFixed(2),
  wanted: `${bound.toFixed(2)} at most`,
  isMet: found <= bound,
})

const atLeast = (what: string, found: number, bound: number): Verdict => ({
  what,
  found: found === Number.POSITIVE_INFINITY ? '∞' : found.toFixed(2),
  wanted: `${bound.toFixed(2)} or more`,
  isMet: found >= bound,
})

/** What growth may cost; beyond it a run fails. */
export const growthMax = 1.5

/** What the figures say of the project's own targets. */
export const judge = (results: Results): readonly Verdict[] => {
  const { health, me, logins = [], burst = [], memory, growth = [] } = results
  return [
    ...(health ? judgeHealth(health) : []),
    ...(me ? judgeMe(me) : []),
    ...logins.flatMap(judgeLogins),
    ...burst.filter(({ name }) => name === names.own).map(judgeBurst),
    ...(memory ? judgeMemory(memory) : []),
    ...growth.map(judgeGrowth),
  ]
}

const judgeHealth = (health: Outcome): Verdict[] => [
  ...[names.sameReply, names.least].map((bare) => ownCpu(health, bare)),
  ...[peers.fastify.name, peers.hono.name].flatMap((peer) => againstPeer(health, peer, { least: 2 })),
]

const judgeMe = (me: Outcome): Verdict[] => [
  ...[names.remembered, names.jose].map((bare) => ownCpu(me, bare)),
  ...[peers.fastify.name, peers.hono.name].flatMap((peer) => againstPeer(me, peer, { least: 2.5 })),
  ...againstPeer(me, peers.trpc.name, { least: 6, own: names.overTrpc }),
  ...againstPeer(me, peers.orpc.name, { least: 5 }),
]

const rowOf = ({ rows }: Outcome, wanted: string) => rows.find(({ name }) => name === wanted)
const pathOf = ({ title }: Outcome) => title.split(',')[0]?.replace('GET ', '')

const ownCpu = (outcome: Outcome, bare: string): Verdict => {
  const ratio = rowOf(outcome, names.own)?.cpuRatios[bare] ?? Number.NaN
  return atMost(`${pathOf(outcome)}, CPU against ${bare}`, ratio, 1.5)
}

/** By CPU and by requests a second, which differ by what the machine gives to those who ask and to the database. */
const againstPeer = (outcome: Outcome, peer: string, { least, own = names.own }: { least: number; own?: string }) => {
  const what = `${pathOf(outcome)}, ${own === names.own ? '' : `${own}, `}`
  const cpu = rowOf(outcome, peer)?.cpuRatios[own] ?? Number.NaN
  const rate = rowOf(outcome, own)?.rateRatios[peer] ?? Number.NaN
  return [
    atLeast(`${what}times less CPU than ${peer}`, cpu, least),
    atLeast(`${what}times more a second than ${peer}`, rate, least),
  ]
}

/** Of the hash that many use, login by login: within 5 % of what the hash alone allows. */
const practicalHash = 'm=19456,t=2,p=1'
/** So cheap a hash that the rest of a login decides. */
const cheapHash = 'm=1024,t=1,p=1'

const judgeLogins = ({ hash, rows: [own] }: NonNullable<Results['logins']>[number]): Verdict[] => {
  const share = own?.share ?? Number.NaN
  const perFastify = own?.rateRatios[peers.fastify.name] ?? Number.NaN
  return [
    atLeast(`logins at ${hash}, as a part of the hashes alone`, share, hash === practicalHash ? 0.95 : 0.9),
    ...(hash === cheapHash ? [atLeast(`logins at ${hash}, times more a second than Fastify`, perFastify, 1.7)] : []),
  ]
}

const judgeBurst = ({ lastMs }: { lastMs: number }): Verdict => ({
  what: `${burstConnections} connections at once, until the last is answered`,
  found: `${lastMs.toFixed(0)} ms`,
  wanted: '150 ms at most',
  isMet: lastMs <= 150,
})

const judgeMemory = ({ marks, servers: [bare, own] }: Memory): Verdict[] => {
  const [first = Number.NaN, last = Number.NaN] = [own?.residentMib[0], own?.residentMib.at(-1)]
  const [from, to] = [marks[0], marks.at(-1)].map((mark = 0) => mark.toLocaleString('en'))
  return [
    atMost('resident memory against the bare server', last / (bare?.residentMib.at(-1) ?? Number.NaN), 2),
    atMost(`resident memory after ${to} calls against ${from}`, last / first, 1.05),
  ]
}

const judgeGrowth = ({ what, ratio }: Growth): Verdict =>
  atMost(`${what}, CPU at the most rows against the fewest`, ratio, growthMax)
