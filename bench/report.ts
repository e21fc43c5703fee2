import type { Logins } from './logins.ts'
import type { Outcome, Row } from './rounds.ts'
import { type Memory, names } from './scenarios.ts'

/** What was measured; undefined is what was not asked for. */
export interface Results {
  readonly health?: Outcome | undefined
  readonly me?: Outcome | undefined
  readonly logins?: readonly Logins[] | undefined
  readonly memory?: Memory | undefined
}

/** A figure and the most, or for a share the least, that it should be. */
interface Verdict {
  readonly what: string
  readonly found: number
  readonly wanted: string
  readonly isMet: boolean
}

const atMost = (what: string, found: number, bound: number): Verdict => ({
  what,
  found,
  wanted: `${bound.toFixed(2)} at most`,
  isMet: found <= bound,
})

/** What the figures say of the project's own targets. */
export const judge = ({ health, me, logins = [], memory }: Results): readonly Verdict[] => [
  ...(health ? ['sameReply', 'least'].map((bare) => cpuOf(health, names[bare as 'least'])) : []),
  ...(me ? ['remembered', 'jose'].map((bare) => cpuOf(me, names[bare as 'jose'])) : []),
  ...logins.map(({ hash, share }) => ({
    what: `logins at ${hash}, as a part of the hashes that are possible`,
    found: share,
    wanted: '0.90 or more',
    isMet: share >= 0.9,
  })),
  ...(memory ? judgeMemory(memory) : []),
]

const cpuOf = ({ title, rows }: Outcome, bare: string): Verdict => {
  const own = rows.find(({ name }) => name === names.own)
  return atMost(`${title.split(',')[0]}, CPU against ${bare}`, own?.cpuRatios[bare] ?? Number.NaN, 1.5)
}

const judgeMemory = ({ marks, servers: [bare, own] }: Memory): readonly Verdict[] => {
  const [first = Number.NaN, last = Number.NaN] = [own?.residentMib[0], own?.residentMib.at(-1)]
  const [from, to] = [marks[0], marks.at(-1)].map((mark = 0) => whole(mark))
  return [
    atMost('resident memory against the bare server', last / (bare?.residentMib.at(-1) ?? Number.NaN), 2),
    atMost(`resident memory after ${to} calls against ${from}`, last / first, 1.05),
  ]
}

const whole = (value: number): string => Math.round(value).toLocaleString('en')
const tenth = (value: number): string => value.toFixed(1)

/** The results as Markdown tables, the verdicts first. */
export const reportOf = (results: Results): string => {
  const verdicts = judge(results).map(({ what, found, wanted, isMet }) => [
    what,
    found.toFixed(2),
    wanted,
    isMet ? 'met' : 'missed',
  ])
  const outcomes = [results.health, results.me].flatMap((outcome) => (outcome ? [outcomeTable(outcome)] : []))
  return [
    table(['target', 'found', 'wanted', ''], verdicts),
    ...outcomes,
    ...(results.logins ? [loginTable(results.logins)] : []),
    ...(results.memory ? [memoryTable(results.memory)] : []),
  ].join('\n\n')
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

const outcomeTable = ({ title, rows }: Outcome): string => {
  const bares = rows.map(({ name }) => name).filter((name) => name.startsWith('bare'))
  const head = ['server', 'req/s', 'CPU us', 'PostgreSQL CPU us', 'p50 ms', 'p99 ms', ...bares.map(ratioTo)]
  return `### ${title}\n\n${table(
    head,
    rows.map((row) => cellsOf(row, bares)),
  )}`
}

const ratioTo = (bare: string) => `CPU to ${bare}`

const cellsOf = (row: Row, bares: readonly string[]): string[] => [
  row.name,
  whole(row.perSecond),
  tenth(row.serverCpu),
  tenth(row.postgresCpu),
  tenth(row.p50Ms),
  tenth(row.p99Ms),
  ...bares.map((bare) => (row.cpuRatios[bare] ?? Number.NaN).toFixed(2)),
]

const loginTable = (logins: readonly Logins[]): string =>
  `### POST /api/v1/auth/login\n\n${table(
    [
      'Argon2id',
      'connections',
      'logins/s',
      'hashes/s alone',
      'share',
      'CPU us',
      'hash CPU us',
      'PostgreSQL CPU us',
      'p99 ms',
    ],
    logins.map((login) => [
      `${login.hash} (${login.engine})`,
      whole(login.connections),
      whole(login.perSecond),
      whole(login.hashesPerSecond),
      login.share.toFixed(2),
      whole(login.serverCpu),
      whole(login.hashCpu),
      whole(login.postgresCpu),
      whole(login.p99Ms),
    ]),
  )}`

const memoryTable = ({ marks, servers }: Memory): string =>
  `### Resident MiB after so many calls of /auth/me\n\n${table(
    ['server', ...marks.map(whole)],
    servers.map(({ name, residentMib }) => [name, ...residentMib.map(whole)]),
  )}`
