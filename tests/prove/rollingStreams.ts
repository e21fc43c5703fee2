import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { exchange, idleMs, password } from './databaseTraffic.ts'
import type { Proof } from './harness.ts'
import { sum } from './numbers.ts'
import { type Follow, followBySocket, followBySse } from './rollingWires.ts'

const people = 3
/** Of each person, who may have ten. */
const readers = { sse: 7, socket: 2 }
const betweenWritesMs = 40
const pauseMs = 20
const patienceMs = 15_000

/** Clients that follow a person's events over all restarts, while the same person makes them. */
export interface Streams {
  readonly counts: { requests: number }
  readonly breaches: ReadonlyMap<string, number>
  readonly stop: () => Promise<void>
  /** To be asked once they are stopped. */
  readonly check: (proof: Proof) => void
}

interface Options {
  readonly url: string
  /** Whether a client says what it had last when it comes back. */
  readonly resumes: boolean
}

interface Shared extends Options {
  readonly counts: { requests: number }
  readonly agent: Agent
  readonly note: (what: string) => void
  isOver: boolean
}

/** Resolves once every client has had an event. */
export const startStreams = async (options: Options): Promise<Streams> => {
  const breaches = new Map<string, number>()
  const note = (what: string) => void breaches.set(what, (breaches.get(what) ?? 0) + 1)
  const agent = new Agent({ keepAlive: true, timeout: idleMs })
  const shared: Shared = { ...options, counts: { requests: 0 }, agent, note, isOver: false }
  const groups = await Promise.all(Array.from({ length: people }, () => startGroup(shared)))
  let stopping: Promise<void> | undefined
  return {
    counts: shared.counts,
    breaches,
    stop() {
      stopping ??= Promise.all(groups.map((group) => group.stop())).then(() => {
        shared.isOver = true
        for (const group of groups) for (const reader of group.readers) reader.leave()
        agent.destroy()
      })
      return stopping
    },
    check: (proof) => checkGroups(proof, groups),
  }
}

interface Group {
  readonly readers: readonly Reader[]
  /** API keys that were made, in order. */
  readonly made: readonly string[]
  readonly stop: () => Promise<void>
}

const startGroup = async (shared: Shared): Promise<Group> => {
  const token = await register(shared)
  const made: string[] = []
  let isStopped = false
  const wires = [...Array<Follow>(readers.sse).fill(followBySse), ...Array<Follow>(readers.socket).fill(followBySocket)]
  const all = wires.map((follow) => startReader(shared, token, follow))
  await Promise.all(all.map(({ opened }) => opened))
  const make = async () => {
    const key = randomUUID()
    const call = { method: 'POST', path: '/api/v1/api-keys', token, key, body: { name: 'for a proof' } } as const
    shared.counts.requests++
    const answer = await exchange(shared.agent, shared.url, call).catch(({ message }: Error) => message)
    if (typeof answer === 'string') shared.note(`key: ${answer}`)
    else if (answer.status === 201) made.push(answer.data.id)
    else shared.note(`key ${answer.status}`)
  }
  const untilAll = async () => {
    const deadline = performance.now() + patienceMs
    while (all.some(({ seen }) => seen.length < made.length) && performance.now() < deadline) await sleep(pauseMs)
  }
  await make()
  await untilAll()
  const writing = (async () => {
    while (!isStopped) {
      await make()
      await sleep(betweenWritesMs)
    }
  })()
  return {
    readers: all,
    made,
    async stop() {
      isStopped = true
      await writing
      await untilAll()
    },
  }
}

const register = async ({ agent, url }: Shared): Promise<string> => {
  const body = { email: `${randomUUID()}@example.net`, password, name: 'Ada' }
  const answer = await exchange(agent, url, { method: 'POST', path: '/api/v1/auth/register', body })
  return answer.data.tokens.access_token
}

interface Reader {
  /** What the events were about, in the order in which they came. */
  readonly seen: readonly string[]
  readonly opened: Promise<void>
  /** Times the server ended the stream and the client came back. */
  readonly returns: () => number
  readonly leave: () => void
}

const startReader = (shared: Shared, token: string, follow: Follow): Reader => {
  const { counts, note, resumes, url } = shared
  const seen: string[] = []
  const leaving = new AbortController()
  let lastId: string | undefined
  let returns = -1
  let onOpened = () => {}
  const opened = new Promise<void>((resolve) => {
    onOpened = resolve
  })
  const onItem = ({ id, topic, target }: { id: string; topic: string; target: string }) => {
    lastId = id
    seen.push(topic === 'gap' ? 'gap' : target)
  }
  const run = async () => {
    while (!shared.isOver) {
      returns++
      counts.requests++
      const lastEventId = resumes ? lastId : undefined
      const broke = await follow(url, { token, lastEventId, signal: leaving.signal, onOpened, onItem })
      if (broke === undefined || shared.isOver) continue
      note(`stream ${broke}`)
      await sleep(pauseMs)
    }
  }
  void run()
  return { seen, opened, returns: () => returns, leave: () => leaving.abort() }
}

const checkGroups = (proof: Proof, groups: readonly Group[]): void => {
  const all = groups.flatMap(({ readers: each, made }) => each.map((reader) => ({ reader, made })))
  const wrong = all.filter(({ reader, made }) => reader.seen.join() !== made.join())
  proof.check(
    `each of ${all.length} stream clients has every event once and in order`,
    wrong.length === 0,
    wrong.slice(0, 3).map(({ reader, made }) => `${reader.seen.length} of ${made.length}`),
  )
  const stayed = all.filter(({ reader }) => reader.returns() === 0)
  proof.check('each was sent away by a restart and came back', stayed.length === 0, `${stayed.length} were not`)
  const made = sum(groups.map((group) => group.made.length))
  const told = sum(all.map(({ reader }) => reader.seen.length))
  const times = sum(all.map(({ reader }) => reader.returns()))
  proof.figure('events made, told to all clients, and times they came back', `${made}, ${told}, ${times}`)
}
