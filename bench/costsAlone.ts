import { table } from '../server/cli/bench/table.ts'
import type { Exchange } from '../server/http/exchange.ts'
import { headersOfReply } from '../server/http/headers.ts'
import { createBudgets } from '../server/platform/budgets.ts'
import { inMemory } from '../server/platform/limits/memoryStore.ts'
import { createMetrics } from '../server/platform/metrics/metrics.ts'
import { createRequestCounter } from '../server/platform/metrics/requests.ts'
import { median } from './rounds.ts'

const rounds = 7
const calls = 200_000
const callers = Array.from({ length: 3_000 }, (_, index) => `018f0000-0000-7000-8000-${index}`)

/** CPU of what limits and metrics do in a request of a known caller, each alone in a loop of this process. */
export const costsAlone = async (): Promise<string> => {
  const limiter = (limit: Parameters<typeof inMemory>[0]) => inMemory({ ...limit, points: rounds * calls })
  const store = { limiter }
  const budgets = createBudgets({ addressPerMinute: 1, store, onRefused() {} })
  const count = createRequestCounter(createMetrics())
  // All that is read of it where no origins are configured.
  const exchange = { method: 'GET', headers: {} } as unknown as Exchange
  const budget = { rate: 'read', quota: 600, remaining: 599, resetSeconds: 60 } as const
  const spend = (call: number) => budgets.spendClass('read', callers[call % callers.length] ?? '')
  const head = () => headersOfReply(exchange, { id: 'a' }, () => undefined)
  const headWithBudget = () => headersOfReply(exchange, { id: 'a', budget }, () => undefined)
  const note = () => {
    const startedAt = performance.now()
    count('GET', '/api/v1/auth/me', 200, performance.now() - startedAt)
  }
  const loop = await microsecondsOf(() => undefined)
  const rows = [
    ['counting the budget of a caller', (await microsecondsOf(spend)) - loop],
    ['two headers that tell of it', (await microsecondsOf(headWithBudget)) - (await microsecondsOf(head))],
    ['counting the request, the clock read twice', (await microsecondsOf(note)) - loop],
  ] as const
  return table(
    ['alone in a loop', 'CPU us'],
    rows.map(([name, us]) => [name, us.toFixed(2)]),
  )
}

const microsecondsOf = async (work: (call: number) => unknown): Promise<number> => {
  const taken: number[] = []
  while (taken.length < rounds) {
    const start = process.cpuUsage()
    for (let call = 0; call < calls; call += 1) await work(call)
    const { user, system } = process.cpuUsage(start)
    taken.push((user + system) / calls)
  }
  return median(taken)
}
