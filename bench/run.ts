/**
 * Measures tsforge beside bare handlers on the same machine and in the same minutes, then how its cost grows;
 * docs/benchmark.md says how and why. `--quick` is a short form whose figures are rough; `--only health` (me, logins,
 * memory, growth, streams) does one part, and `costs` one that is done only when asked for; `--profile <folder>` has every
 * server of tsforge write a CPU profile there, to be read with topOfProfile.ts. Writes bench/results/. Fails when an answer is wrong, never because of a load's figure.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { chartOf } from './chart.ts'
import { costTable, measureCosts } from './costs.ts'
import { costsAlone } from './costsAlone.ts'
import { startDatabase } from './database.ts'
import { abandonLoads, hasWrk } from './load.ts'
import { makePeople } from './people.ts'
import { progress } from './progress.ts'
import { judge, type Results, reportOf } from './report.ts'
import { measureHealth, measureLogins, measureMe, measureMemory, type Stage } from './scenarios.ts'
import { buildPrograms } from './servers.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, profile: { type: 'string' } },
})
const parts = ['health', 'me', 'logins', 'memory', 'growth', 'streams', 'costs'] as const
if (values.only !== undefined && !parts.some((part) => part === values.only)) {
  process.stderr.write(`There is no part ${values.only}: --only takes one of ${parts.join(', ')}.\n`)
  process.exit(2)
}
type Part = (typeof parts)[number]
const isWanted = (part: Part) => values.only === undefined || values.only === part
const lengths = values.quick
  ? { length: { rounds: 3, seconds: 1, warmUpSeconds: 1 }, marks: [5_000, 20_000] }
  : { length: { rounds: 3, seconds: 4, warmUpSeconds: 3 }, marks: [50_000, 100_000, 150_000, 200_000] }

const release: (() => Promise<void>)[] = []

/** Ends what was started, the last first. */
const cleanUp = async () => {
  for (const end of release.splice(0).reverse()) await end().catch(() => {})
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    abandonLoads()
    void cleanUp().finally(() => process.exit(1))
  })

const setUp = async (): Promise<Stage> => {
  progress('setting up')
  const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-bench-'))
  release.push(async () => rmSync(folder, { recursive: true, force: true }))
  const [database] = await Promise.all([startDatabase(folder), buildPrograms()])
  release.push(database.stop)
  return {
    ...lengths,
    database,
    feeds: await makePeople(database.ownerUrl, folder),
    profileFolder: values.profile && path.resolve(values.profile),
    atEnd: (end) => release.push(end),
  }
}

const measure = async (stage: Stage): Promise<Results> => ({
  health: isWanted('health') ? await measureHealth(stage) : undefined,
  me: isWanted('me') ? await measureMe(stage) : undefined,
  logins: isWanted('logins') ? await measureLogins(stage) : undefined,
  memory: isWanted('memory') ? await measureMemory(stage) : undefined,
})

const write = (results: Results): void => {
  progress()
  const folder = path.join(import.meta.dirname, 'results')
  const text = reportOf(results)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'latest.md'), `${text}\n`)
  writeFileSync(path.join(folder, 'latest.json'), JSON.stringify({ verdicts: judge(results), ...results }, null, 2))
  const outcomes = [results.health, results.me].filter((outcome) => outcome !== undefined)
  if (outcomes.length > 0) writeFileSync(path.join(folder, 'cpu.svg'), chartOf(outcomes))
  console.log(text)
}

if (!(await hasWrk())) {
  console.error('The benchmark needs wrk, which is not on the PATH: `apt install wrk` or `brew install wrk`.')
  process.exit(1)
}
if (values.only !== 'growth' && values.only !== 'streams') {
  try {
    const stage = await setUp()
    if (values.only !== 'costs') write(await measure(stage))
    if (values.only === 'costs') {
      const table = costTable(await measureCosts(stage))
      progress()
      console.log(`\n### What each thing costs\n\n${table}\n\n${await costsAlone()}`)
    }
  } finally {
    await cleanUp()
  }
}
if (isWanted('growth')) {
  console.log('\n### How the cost grows with the tables\n')
  await import('./growth.ts')
}
if (isWanted('streams')) {
  console.log('\n### What events cost\n')
  await import('./streams.ts')
}
