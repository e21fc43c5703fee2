// Prints where the time of CPU profiles went: `npx tsx bench/topOfProfile.ts <file>...`, the own time of each function.
import { readFileSync } from 'node:fs'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const shown = 40
const spent = new Map<string, number>()
let total = 0

for (const file of process.argv.slice(2)) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`,
    ]),
  )
  samples.forEach((id, index) => {
    const name = names.get(id) ?? ''
    if (/^\((?:idle|program)\)/.test(name)) return
    const delta = timeDeltas[index] ?? 0
    total += delta
    spent.set(name, (spent.get(name) ?? 0) + delta)
  })
}

for (const [name, time] of [...spent].toSorted((a, b) => b[1] - a[1]).slice(0, shown))
  console.log(`${((100 * time) / total).toFixed(1).padStart(5)} %  ${name}`)
