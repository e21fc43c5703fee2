/**
 * Measures tsforge beside bare handlers and beside other frameworks, on the same machine and in the same minutes, then
 * how its cost grows; docs/benchmark.md says how and why. `--quick` is a short form whose figures are rough; `--only
 * health` (me, logins, burst, memory, growth, streams) does one part, and `costs` one that is done only when asked for;
 * `--write` puts the tables and charts into docs/; `--profile <folder>` has every server of tsforge write a CPU profile
 * there, to be read with topOfProfile.ts. Writes bench/results/. Fails when an answer is wrong or the growth too steep,
 * never because of a load's figure.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { progress } from '../server/cli/progress.ts'
import { chartOf } from './chart.ts'
import { costTables } from './costs.ts'
import { startDatabase } from './database.ts'
import { writeDocs } from './docs.ts'
import { measureGrowth } from './growth.ts'
import { growthChartOf } from './growthChart.ts'
import { abandonLoads, hasWrk } from './load.ts'
import { machineInWords } from './machine.ts'
import { missingFrameworks } from './peers.ts'
import { makePeople } from './people.ts'
import { type Results, type Sections, sectionsOf } from './report.ts'
import { measureBurst, measureHealth, measureLogins, measureMe, measureMemory, type Stage } from './scenarios.ts'
import { buildPrograms } from './servers.ts'
import { measureStreams } from './streams.ts'
import { growthMax, judge } from './targets.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    only: { type: 'string' },
    profile: { type: 'string' },
  },
})
const parts = ['health', 'me', 'logins', 'burst', 'memory', 'growth', 'streams', 'costs'] as const
type Part = (typeof parts)[number]

/** Ends with a sentence. */
const giveUp = (sentence: string, code: number): never => {
  process.stderr.write(`${sentence}\n`)
  process.exit(code)
}

if (values.only !== undefined && !parts.some((part) => part === values.only))
  giveUp(`There is no part ${values.only}: --only takes one of ${parts.join(', ')}.`, 2)
if (values.quick && values.write) giveUp('The figures of --quick are too rough for docs/: leave one of the two out.', 2)
if (!(await hasWrk()))
  giveUp('The benchmark needs wrk, which is not on the PATH: `apt install wrk` or `brew install wrk`.', 1)
const missing = missingFrameworks()
if (missing.length > 0)
  giveUp(`The benchmark needs ${missing.join(', ')}, to measure beside them: \`npm ci --prefix bench\`.`, 1)

const isWanted = (part: Part) => (values.only === undefined ? part !== 'costs' : values.only === part)
const lengths = values.quick
  ? { length: { rounds: 3, seconds: 1, warmUpSeconds: 2 }, marks: [5_000, 20_000] }
  : { length: { rounds: 3, seconds: 4, warmUpSeconds: 3 }, marks: [50_000, 100_000, 200_000, 350_000, 500_000] }

const release: (() => Promise<void>)[] = []

const atEnd = (end: () => Promise<void>): void => {
  release.push(end)
}

let ended = Promise.resolve()

/** Ends what was started, the last first. Whoever asks meanwhile waits for the same end. */
const cleanUp = (): Promise<void> => {
  ended = ended.then(async () => {
    for (const end of release.splice(0).reverse()) await end().catch(() => {})
  })
  return ended
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    abandonLoads()
    void cleanUp().finally(() => process.exit(1))
  })

const setUp = async (): Promise<Stage> => {
  progress('setting up')
  const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-bench-'))
  atEnd(async () => rmSync(folder, { recursive: true, force: true }))
  const [database] = await Promise.all([startDatabase(folder), buildPrograms()])
  atEnd(database.stop)
  return {
    ...lengths,
    database,
    feeds: await makePeople(database.ownerUrl, folder),
    profileFolder: values.profile && path.resolve(values.profile),
    atEnd,
  }
}

/** What was measured so far, so that a part that fails does not take along what the others took long for. */
const results: { -readonly [Name in keyof Results]: Results[Name] } = { machine: '' }

/** Measures a part when it is wanted; a log without a terminal is told that it begins. */
const measure = async <P extends Part>(part: P, work: () => Promise<Results[P]>): Promise<void> => {
  if (!isWanted(part)) return
  if (!process.stderr.isTTY) console.error(`measuring ${part}`)
  results[part] = await work()
}

const measureOnStage = async (): Promise<void> => {
  const stage = await setUp()
  results.machine = await machineInWords(stage.database.ownerUrl)
  await measure('health', () => measureHealth(stage))
  await measure('me', () => measureMe(stage))
  await measure('logins', () => measureLogins(stage))
  await measure('burst', () => measureBurst(stage))
  await measure('memory', () => measureMemory(stage))
  await measure('costs', () => costTables(stage))
}

/** What a run of one part may say: neither of the machine of the other parts nor of their targets. */
const partOf = ({ machine: _machine, targets: _targets, ...sections }: Sections): Sections => sections

const write = ({ isWhole }: { isWhole: boolean }): void => {
  progress()
  const folder = path.join(import.meta.dirname, 'results')
  const sections = sectionsOf(results)
  const text = Object.values(sections).join('\n\n')
  const outcomes = [results.health, results.me].filter((outcome) => outcome !== undefined)
  const charts = {
    ...(outcomes.length === 2 ? { 'benchmark.svg': chartOf(outcomes) } : {}),
    ...(results.growth ? { 'benchmark-growth.svg': growthChartOf(results.growth) } : {}),
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'latest.md'), `${text}\n`)
  writeFileSync(path.join(folder, 'latest.json'), JSON.stringify({ verdicts: judge(results), ...results }, null, 2))
  for (const [file, chart] of Object.entries(charts)) writeFileSync(path.join(folder, file), chart)
  if (values.write && isWhole) writeDocs(values.only === undefined ? sections : partOf(sections), charts)
  console.log(text)
}

/** What was started for a part ends with it, so that the next has the machine to itself. */
const withCleanUp = async <T>(part: () => Promise<T>): Promise<T> => {
  try {
    return await part()
  } finally {
    await cleanUp()
  }
}

const way = { isQuick: values.quick, atEnd }
let isWhole = false
try {
  await withCleanUp(measureOnStage)
  await withCleanUp(() => measure('growth', () => measureGrowth(way)))
  await withCleanUp(() => measure('streams', () => measureStreams(way)))
  isWhole = true
} finally {
  write({ isWhole })
}
if (results.growth?.some(({ ratio }) => !(ratio <= growthMax))) process.exitCode = 1
