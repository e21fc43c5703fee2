// How many passwords a second can be verified when nothing else is done: the same engine, the same number at a time.
// Arguments: memory in KiB, iterations, parallelism, calls at once, seconds. Prints one line of JSON.
import { availableParallelism } from 'node:os'
import { createPasswordHasher } from '../../server/platform/hashing/index.ts'

const [memoryKib = 0, iterations = 0, parallelism = 0, atOnce = 0, seconds = 0] = process.argv.slice(2).map(Number)
const password = 'correct horse battery'

const hasher = await createPasswordHasher({
  memoryKib,
  iterations,
  parallelism,
  concurrency: availableParallelism(),
  queueLength: atOnce,
})
const phc = await hasher.hash(password)

const verifyFor = async (ms: number): Promise<number> => {
  const end = performance.now() + ms
  let count = 0
  const each = async () => {
    while (performance.now() < end) {
      await hasher.verify(password, phc)
      count += 1
    }
  }
  await Promise.all(Array.from({ length: atOnce }, each))
  return count
}

await verifyFor(300)
const startedAt = performance.now()
const before = process.cpuUsage()
const count = await verifyFor(seconds * 1000)
const { user, system } = process.cpuUsage(before)
const perSecond = (count * 1000) / (performance.now() - startedAt)
process.stdout.write(JSON.stringify({ engine: hasher.engine, perSecond, cpu: (user + system) / count }))
await hasher.close()
