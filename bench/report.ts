import { costText } from './costs.ts'
import type { LoginOutcome } from './logins.ts'
import type { Outcome, Row } from './rounds.ts'
import { judge, type Results } from './verdicts.ts'

/** The results as Markdown tables, the verdicts first. */
export const reportOf = (results: Results): string =>
  [
    verdictTable(results),
    ...[results.health, results.me, ...(results.growth ?? [])].flatMap((outcome) =>
      outcome ? outcomeTable(outcome) : [],
    ),
    ...(results.logins ? [loginTable(results.logins)] : []),
    ...(results.memory ? [memoryTable(results.memory)] : []),
  ].join('\n\n')

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

const whole = (value: number): string => Math.round(value).toLocaleString('en')

const verdictTable = (results: Results): string =>
  table(
    ['target', 'found', 'wanted', ''],
    judge(results).map(({ what, found, bound, isMet }) => [
      what,
      found.toFixed(2),
      bound < 1 ? `${bound.toFixed(2)} or more` : `${bound.toFixed(2)} at most`,
      isMet ? 'met' : 'missed',
    ]),
  )

const outcomeTable = ({ title, rows }: Outcome): string =>
  `### ${title}\n\n${table(
    ['server', 'req/s', 'server CPU us', 'PostgreSQL CPU us', 'p50 ms', 'p99 ms', 'CPU ratio', 'rounds'],
    rows.map(cellsOf),
  )}`

const cellsOf = ({ name, figures, cpuRatio, lowestRatio, highestRatio }: Row): string[] => [
  name,
  whole(figures.perSecond),
  figures.serverCpu.toFixed(1),
  figures.postgresCpu.toFixed(1),
  figures.p50Ms.toFixed(1),
  figures.p99Ms.toFixed(1),
  cpuRatio.toFixed(2),
  `${lowestRatio.toFixed(2)}–${highestRatio.toFixed(2)}`,
]

const loginTable = (logins: readonly LoginOutcome[]): string =>
  `### POST /api/v1/auth/login, 48 connections\n\n${table(
    [
      'Argon2id',
      'logins/s',
      'hashes/s alone',
      'share',
      'server CPU us',
      'hash CPU us',
      'PostgreSQL CPU us',
      'p50 ms',
      'p99 ms',
    ],
    logins.map((login) => [
      `${costText(login.cost)} (${login.engine})`,
      whole(login.loginsPerSecond),
      whole(login.hashesPerSecond),
      login.share.toFixed(2),
      whole(login.serverCpu),
      whole(login.hashCpu),
      whole(login.postgresCpu),
      login.p50Ms.toFixed(1),
      login.p99Ms.toFixed(1),
    ]),
  )}`

const memoryTable = ({ marks, servers }: NonNullable<Results['memory']>): string =>
  `### Resident MiB after so many calls of /auth/me\n\n${table(
    ['server', ...marks.map(whole)],
    servers.map(({ name, resident }) => [name, ...resident.map((mib) => mib.toFixed(0))]),
  )}`
