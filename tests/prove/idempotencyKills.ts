import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { withConnection } from '../../db/oneConnection.ts'
import type { ServerProcess } from '../support/serverProcess.ts'
import type { Proof } from './harness.ts'
import { callsOf, effectsOf, type KeyedCall, openAccount, type RawAnswer, send } from './keyedCalls.ts'
import { type KillPoint, killPoints } from './killPoints.ts'
import { shuffled, sum } from './numbers.ts'

export interface Kills {
  /** Servers that die at each point. */
  readonly eachPoint: number
  readonly points?: readonly KillPoint[]
  /** Starts a server that dies there; without a point, one that lives. */
  readonly start: (point?: KillPoint) => Promise<ServerProcess>
  readonly ownerUrl: string
}

const startAhead = 2
const retryAfterMs = 50
const attemptsMax = 200
const deathPatienceMs = 20_000
const carriedShare = 0.25

/**
 * Servers die one after the other, each in the middle of one of four calls; what was not answered is sent again with
 * the same key, some of it to the next server to die, the rest to one that lives.
 */
export async function checkKills(proof: Proof, { eachPoint, points = killPoints, start, ownerUrl }: Kills) {
  const order = shuffled(
    proof,
    points.flatMap((point) => Array<KillPoint>(eachPoint).fill(point)),
  )
  const calm = await start()
  const agent = new Agent({ keepAlive: true, timeout: 5_000 })
  const calls: KeyedCall[] = []
  const deaths = new Map<KillPoint, number>()
  const wrong = new Map<string, number>()
  let carried: KeyedCall[] = []
  let heard = 0
  try {
    const doomed = startEach(order, start)
    for await (const { point, server } of doomed) {
      proof.progress(`${calls.length / 4 + 1}/${order.length} kill -9 ${point}`)
      const fresh = callsOf(await openAccount(agent, calm.url))
      calls.push(...fresh)
      await sendAll(server, [...fresh, ...carried])
      if ((await endOf(server)) === 'SIGKILL') deaths.set(point, (deaths.get(point) ?? 0) + 1)
      const unanswered = [...fresh, ...carried].filter(({ answers }) => answers.length === 0)
      heard += fresh.length + carried.length - unanswered.length
      carried = unanswered.filter(() => proof.random() < carriedShare)
      await settle(
        unanswered.filter((call) => !carried.includes(call)),
        { agent, url: calm.url, wrong },
      )
    }
    await settle(carried, { agent, url: calm.url, wrong })
    const before = calls.map(({ answers }) => answers.length)
    for (let replay = 0; replay < 2; replay++) await settle(calls, { agent, url: calm.url, wrong })
    report(proof, { calls, wrong, before, heard })
    await checkEffects(proof, ownerUrl, calls)
    for (const point of points) proof.atLeast(`servers killed ${point}`, deaths.get(point) ?? 0, eachPoint)
  } finally {
    agent.destroy()
    await calm.stop()
  }
}

/** Servers in the given order, the next ones starting while one is in use. */
async function* startEach(order: readonly KillPoint[], start: Kills['start']) {
  const starting: { point: KillPoint; server: Promise<ServerProcess> }[] = []
  let next = 0
  try {
    for (;;) {
      while (starting.length <= startAhead && next < order.length) {
        const point = order[next++] as KillPoint
        const server = start(point)
        server.catch(() => {})
        starting.push({ point, server })
      }
      const first = starting.shift()
      if (!first) return
      yield { point: first.point, server: await first.server }
    }
  } finally {
    await Promise.all(starting.map(({ server }) => server.then(({ stop }) => stop()).catch(() => {})))
  }
}

/** Sends all at once to a server that will not live to answer them all. */
async function sendAll({ url }: ServerProcess, calls: readonly KeyedCall[]): Promise<void> {
  const agent = new Agent()
  await Promise.all(
    calls.map(async (call) => {
      const answer = await send(agent, url, call).catch(() => undefined)
      if (answer && isSuccess(answer)) call.answers.push(answer)
    }),
  )
  agent.destroy()
}

const isSuccess = ({ status }: RawAnswer) => status === 200 || status === 201

/** How it ended; it is stopped when it does not end by itself. */
async function endOf(server: ServerProcess): Promise<string> {
  const patience = new AbortController()
  const ended = await Promise.race([
    server.whenEnded,
    sleep(deathPatienceMs, 'lives', { signal: patience.signal }).catch(() => ''),
  ])
  patience.abort()
  if (ended === 'lives') await server.stop()
  return ended
}

interface Settling {
  readonly agent: Agent
  readonly url: string
  /** Answers that must not be, with how often. */
  readonly wrong: Map<string, number>
}

/** Sends each call again until there is an answer that counts. */
async function settle(calls: readonly KeyedCall[], { agent, url, wrong }: Settling): Promise<void> {
  const note = (what: string) => void wrong.set(what, (wrong.get(what) ?? 0) + 1)
  const waiting = [...calls]
  const one = async (call: KeyedCall): Promise<void> => {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const answer = await send(agent, url, call)
      if (isSuccess(answer)) return void call.answers.push(answer)
      // The transaction of a dead server lives until PostgreSQL notices.
      if (!answer.data.includes('"idempotency.in_progress"'))
        return note(`${call.kind} ${answer.status} ${answer.data}`)
      await sleep(retryAfterMs)
    }
    note(`${call.kind} never answered`)
  }
  const work = async () => {
    for (let call = waiting.pop(); call; call = waiting.pop()) await one(call)
  }
  await Promise.all(Array.from({ length: 8 }, work))
}

interface Seen {
  readonly calls: readonly KeyedCall[]
  readonly wrong: ReadonlyMap<string, number>
  /** Answers that came from servers before they died. */
  readonly heard: number
  /** How many answers each call had before the two replays. */
  readonly before: readonly number[]
}

function report(proof: Proof, { calls, wrong, before, heard }: Seen): void {
  const differing = calls.filter(({ answers }) => new Set(answers.map(({ data }) => data)).size > 1)
  const afresh = calls.filter(({ answers }, index) => answers.slice(before[index]).some(({ isReplay }) => !isReplay))
  const rescued = calls.filter(({ answers }) => answers[0]?.isReplay)
  proof.check('every call is answered with success in the end', wrong.size === 0, Object.fromEntries(wrong))
  proof.check(
    `the data of all ${sum(calls.map(({ answers }) => answers.length))} answers is the same for each key, byte for byte`,
    differing.length === 0 && calls.every(({ answers }) => answers.length >= 3),
    `${differing.length} keys differ`,
  )
  proof.check('both later answers to each key are replays', afresh.length === 0, afresh.length)
  proof.figure('keys, calls of four kinds', calls.length)
  proof.figure('first answers that were replays, because the server died between commit and answer', rescued.length)
  proof.figure('answers received from servers that then died', heard)
}

async function checkEffects(proof: Proof, ownerUrl: string, calls: readonly KeyedCall[]): Promise<void> {
  const effects = await withConnection(ownerUrl, (owner) => effectsOf(owner, calls))
  const wrong = [...effects].filter(([, count]) => count !== 1)
  proof.check(
    `each of ${calls.length} keys had exactly one effect`,
    wrong.length === 0,
    wrong.slice(0, 5).map(([{ kind }, count]) => `${kind}: ${count}`),
  )
}
