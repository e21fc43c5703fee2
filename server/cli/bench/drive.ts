import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, openConnection } from './connection.ts'
import { type Latencies, latenciesOf } from './latencies.ts'
import type { Request, Scenario } from './scenarios.ts'

export interface Plan {
  readonly origin: URL
  readonly scenario: Scenario
  /** The index of the first request. */
  readonly first: number
  readonly total: number
  readonly concurrency: number
  readonly timeoutMs: number
  /** Requests that fall due in a second; without it each connection asks again as soon as it has its answer. */
  readonly rate?: number
  readonly signal: AbortSignal
  readonly onAnswer?: (count: number) => void
}

/** What became of the requests. */
export interface Pass {
  readonly requests: number
  readonly seconds: number
  readonly per_second: number
  /** How many answers had which status. */
  readonly statuses: Readonly<Record<number, number>>
  /** How many requests got no answer, by the reason. */
  readonly transport_errors: Readonly<Record<string, number>>
  /** Answers of the right status that said something else. */
  readonly wrong_answers: number
  /** Of all answers, refusals too, but not of requests that got none. */
  readonly latencies_ms: Latencies
}

/**
 * Asks so many times over so many connections. With a rate, a latency counts from when the request was due, however
 * late a busy connection sent it: so a server that stands still is late for everybody who would have come meanwhile,
 * which is called free of coordinated omission. Without one it counts from the sending, as goforge has it.
 */
export const drive = async (plan: Plan): Promise<Pass> => {
  const { origin, scenario, first, total, concurrency, timeoutMs, signal } = plan
  const frame = frameOf(origin)
  const tally = createTally(total)
  const connections: Connection[] = []
  const abandon = () => {
    for (const { close } of connections) close()
  }
  signal.addEventListener('abort', abandon)
  const startMs = performance.now()
  let next = 0
  const work = async (connection: Connection) => {
    while (next < total && !signal.aborted) {
      const index = next++
      const request = textOf(scenario.request(first + index), frame)
      const dueMs = plan.rate === undefined ? undefined : startMs + (index * 1000) / plan.rate
      await untilDue(dueMs, signal)
      const sentMs = performance.now()
      try {
        const { status, body } = await connection.send(request)
        tally.answered(performance.now() - Math.min(sentMs, dueMs ?? sentMs), status)
        if (status === scenario.expected && !scenario.accepts(first + index, body)) tally.wrong()
      } catch (error) {
        tally.unanswered(error)
      }
      plan.onAnswer?.(tally.count())
    }
    connection.close()
  }
  while (connections.length < Math.min(concurrency, total)) connections.push(openConnection(origin, timeoutMs))
  await Promise.all(connections.map(work))
  signal.removeEventListener('abort', abandon)
  return tally.pass((performance.now() - startMs) / 1000)
}

/** Timers know whole milliseconds: a request may leave that little early, and then counts from when it left. */
const untilDue = async (dueMs: number | undefined, signal: AbortSignal): Promise<void> => {
  const waitMs = dueMs === undefined ? 0 : Math.floor(dueMs - performance.now())
  if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {})
}

const createTally = (total: number) => {
  const milliseconds = new Float64Array(total)
  const statuses: Record<number, number> = {}
  const transportErrors: Record<string, number> = {}
  let [answers, errors, wrong] = [0, 0, 0]
  return {
    count: () => answers + errors,
    answered(tookMs: number, status: number) {
      milliseconds[answers++] = tookMs
      statuses[status] = (statuses[status] ?? 0) + 1
    },
    unanswered(error: unknown) {
      const { code, message } = error as { code?: string; message: string }
      const reason = code ?? message
      errors += 1
      transportErrors[reason] = (transportErrors[reason] ?? 0) + 1
    },
    wrong() {
      wrong += 1
    },
    pass: (seconds: number): Pass => ({
      requests: answers + errors,
      seconds,
      per_second: (answers + errors) / seconds,
      statuses,
      transport_errors: transportErrors,
      wrong_answers: wrong,
      latencies_ms: latenciesOf(milliseconds.subarray(0, answers)),
    }),
  }
}

interface Frame {
  /** Before every path. */
  readonly base: string
  /** What all requests have after theirs. */
  readonly head: string
}

const frameOf = ({ host, pathname }: URL): Frame => ({
  base: pathname.replace(/\/$/, ''),
  head: `HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: forge-bench\r\n`,
})

const textOf = ({ method, path, token, body }: Request, { base, head }: Frame): string => {
  const line = `${method} ${base}${path} ${head}`
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
  if (body === undefined) return `${line}${authorization}\r\n`
  const json = JSON.stringify(body)
  const length = Buffer.byteLength(json)
  return `${line}${authorization}Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${json}`
}
