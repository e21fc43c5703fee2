import { table, whole } from '../server/cli/bench/table.ts'
import { type Burst, burstConnections } from './burst.ts'
import { type Growth, sizesOf } from './growth.ts'
import type { Figures } from './load.ts'
import type { Logins } from './logins.ts'
import { names } from './names.ts'
import type { Outcome, Row } from './rounds.ts'
import type { Memory } from './scenarios.ts'
import type { StreamFinding } from './streams.ts'
import { judge } from './targets.ts'

/** What was measured; undefined is what was not asked for. */
export interface Results {
  /** The machine in words. */
  readonly machine: string
  readonly health?: Outcome | undefined
  readonly me?: Outcome | undefined
  readonly logins?: readonly Logins[] | undefined
  readonly burst?: readonly Burst[] | undefined
  readonly memory?: Memory | undefined
  readonly growth?: readonly Growth[] | undefined
  readonly streams?: readonly StreamFinding[] | undefined
  /** Tables of what each thing costs. */
  readonly costs?: string | undefined
}

/** A part of the report: its name in docs/benchmark.md, and its Markdown. */
export type Sections = Readonly<Record<string, string>>

/** The results as Markdown, the verdicts first. */
export const sectionsOf = (results: Results): Sections => {
  const { machine, health, me, logins, burst, memory, growth, streams, costs } = results
  const verdicts = judge(results).map(({ what, found, wanted, isMet }) => [
    what,
    found,
    wanted,
    isMet ? 'met' : 'missed',
  ])
  const sections = {
    machine,
    targets: verdicts.length > 0 ? table(['target', 'found', 'wanted', ''], verdicts) : undefined,
    health: health && outcomeTable(health, [names.sameReply, names.own]),
    me: me && outcomeTable(me, [names.remembered, names.own]),
    logins: logins && loginTable(logins),
    burst: burst && burstTable(burst),
    memory: memory && memoryTable(memory),
    growth: growth && growthTable(growth),
    streams: streams && table(['events', 'found'], streams),
    costs,
    goforge: health && me && logins && goforgeTable({ health, me, logins }),
  }
  return Object.fromEntries(
    Object.entries(sections).filter((section): section is [string, string] => section[1] !== undefined),
  )
}

const tenth = (value: number): string => value.toFixed(1)
const hundredth = (value = Number.NaN): string => (value === Number.POSITIVE_INFINITY ? '∞' : value.toFixed(2))

const outcomeTable = ({ title, rows }: Outcome, comparedWith: readonly string[]): string =>
  table(
    [
      ...[title, 'req/s', 'CPU us', 'PostgreSQL CPU us', 'p50 ms', 'p99 ms'],
      ...comparedWith.map((name) => `CPU to ${name}`),
      `req/s to ${names.own}`,
    ],
    rows.map((row) => cellsOf(row, comparedWith)),
  )

const cellsOf = (row: Row, comparedWith: readonly string[]): string[] => [
  row.name,
  whole(row.perSecond),
  tenth(row.serverCpu),
  tenth(row.postgresCpu),
  tenth(row.p50Ms),
  tenth(row.p99Ms),
  ...comparedWith.map((name) => hundredth(row.cpuRatios[name])),
  hundredth(row.rateRatios[names.own]),
]

const loginTable = (logins: readonly Logins[]): string =>
  table(
    [
      ...['Argon2id', 'connections', 'hashes/s alone', 'hash CPU us', 'server', 'logins/s', 'share'],
      ...['CPU us', 'PostgreSQL CPU us', 'p99 ms', `req/s to ${names.own}`],
    ],
    logins.flatMap(({ hash, engine, connections, hashesPerSecond, hashCpu, rows }) =>
      rows.map((row) => [
        ...[`${hash} (${engine})`, whole(connections), whole(hashesPerSecond), whole(hashCpu), row.name],
        ...[whole(row.perSecond), hundredth(row.share), whole(row.serverCpu), whole(row.postgresCpu)],
        ...[whole(row.p99Ms), hundredth(row.rateRatios[names.own])],
      ]),
    ),
  )

const burstTable = (bursts: readonly Burst[]): string =>
  table(
    [`${burstConnections} connections at once`, 'the last is answered after, ms', 'the worst of all rounds, ms'],
    bursts.map(({ name, lastMs, worstMs }) => [name, whole(lastMs), whole(worstMs)]),
  )

const memoryTable = ({ marks, servers }: Memory): string =>
  table(
    ['resident MiB after so many calls of `/auth/me`', ...marks.map(whole)],
    servers.map(({ name, residentMib }) => [name, ...residentMib.map(whole)]),
  )

/** What goforge's README says of itself, of another machine with two cores. */
const published = {
  health: { what: '`GET /healthz`, 256 connections', perSecond: 18_555, p99Ms: 45.2 },
  me: { what: '`GET /api/v1/auth/me`, 128 connections', perSecond: 3_149, p99Ms: 92.7 },
  login: { what: '`POST /api/v1/auth/login`, 48 connections', perSecond: 923, p99Ms: 177.7 },
}

interface GoforgeScenarios {
  readonly health: Outcome
  readonly me: Outcome
  readonly logins: readonly Logins[]
}

const goforgeTable = ({ health, me, logins }: GoforgeScenarios): string => {
  const ownOf = (rows: readonly Row[]) => rows.find(({ name }) => name === names.own)
  const cells = ({ what, perSecond, p99Ms }: typeof published.me, own: Row | undefined, hash = '') => [
    ...[what, hash, whole(perSecond), tenth(p99Ms)],
    ...(own ? [whole(own.perSecond), tenth(own.p99Ms)] : ['', '']),
  ]
  return table(
    ['', 'Argon2id here', 'goforge, another machine: req/s', 'p99 ms', 'here: req/s', 'p99 ms'],
    [
      cells(published.health, ownOf(health.rows)),
      cells(published.me, ownOf(me.rows)),
      ...logins
        .filter(({ connections }) => connections === 48)
        .map(({ hash, rows }) => cells(published.login, ownOf(rows), hash)),
    ],
  )
}

const growthTable = (growth: readonly Growth[]): string =>
  table(
    ['CPU us of server + PostgreSQL (p50 ms)', ...sizesOf(growth).map((rows) => `${whole(rows)} rows`), 'ratio'],
    growth.map(({ what, sizes, ratio }) => [
      what,
      ...sizesOf(growth).map((_, index) => growthCell(sizes[index])),
      hundredth(ratio),
    ]),
  )

const growthCell = (at: Figures | undefined): string =>
  at ? `${whole(at.serverCpu)} + ${whole(at.postgresCpu)} (${tenth(at.p50Ms)})` : 'not in time'
