/**
 * Measures tsforge beside bare handlers on the same machine and in the same minutes; docs/benchmark.md says how and
 * why. `--quick` is a short form whose figures are rough; `--only health` (me, growth, logins, memory) does one part;
 * `--profile <folder>` has every server of tsforge write a CPU profile there, to be read with topOfProfile.ts. Writes bench/results/latest.md and .json. Fails when an answer is wrong, never because of a figure.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { abandonLoads, requireWrk } from './load.ts'
import { measureAll, parts } from './measureAll.ts'
import { reportOf } from './report.ts'
import { judge } from './verdicts.ts'

const limitSeconds = { quick: 90, full: 900 }

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, profile: { type: 'string' } },
})

const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-bench-'))
const release: (() => Promise<void>)[] = []

/** Ends what was started, the last first. */
const cleanUp = async () => {
  for (const end of release.splice(0).reverse()) await end().catch(() => {})
  rmSync(folder, { recursive: true, force: true })
}

const giveUp = (why: string) => {
  console.error(why)
  abandonLoads()
  void cleanUp().finally(() => process.exit(1))
}
const limit = values.quick ? limitSeconds.quick : limitSeconds.full
setTimeout(() => giveUp(`the benchmark takes longer than ${limit} seconds`), limit * 1000).unref()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => giveUp('interrupted'))

try {
  await requireWrk()
  const results = await measureAll({
    folder,
    isQuick: values.quick,
    only: parts.filter((part) => values.only === undefined || values.only === part),
    nodeOptions: values.profile ? ['--cpu-prof', `--cpu-prof-dir=${path.resolve(values.profile)}`] : [],
    atEnd: (end) => release.push(end),
  })
  const target = path.join(import.meta.dirname, 'results')
  mkdirSync(target, { recursive: true })
  const text = reportOf(results)
  writeFileSync(path.join(target, 'latest.md'), `${text}\n`)
  writeFileSync(
    path.join(target, 'latest.json'),
    `${JSON.stringify({ verdicts: judge(results), ...results }, null, 2)}\n`,
  )
  console.log(text)
} finally {
  await cleanUp()
}
