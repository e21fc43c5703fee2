import { setTimeout as sleep } from 'node:timers/promises'
import type { Proof } from './harness.ts'
import { newAddress, type Seen } from './limitsClient.ts'
import type { Fleet } from './limitsFleet.ts'

/** A store that can be made to die. */
export interface Mortal {
  readonly name: 'postgres' | 'redis'
  readonly kill: () => Promise<void>
  readonly startAgain: () => Promise<void>
}

const everyMs = 10
const [calmMs, awayMs, patienceMs] = [1_000, 2_000, 20_000]
const said = { away: 'the store of rate limits is away', back: 'the store of rate limits is back' }

/** The store is killed under load and comes back: every request is answered. */
export async function checkOutage(proof: Proof, fleet: Fleet, store: Mortal): Promise<void> {
  proof.progress('the store dies under load')
  const load = await startLoad(fleet)
  await sleep(calmMs)
  await store.kill()
  await sleep(awayMs)
  await store.startAgain()
  const linesOf = (text: string) => fleet.servers.map(({ lines }) => lines.filter((line) => line.includes(text)).length)
  const deadline = performance.now() + patienceMs
  while (linesOf(said.back).includes(0) && performance.now() < deadline) await sleep(everyMs)
  await sleep(calmMs)
  const { strangers, owners, lost } = await load.stop()
  proof.check(`no request is lost while the store is killed and started again`, lost.length === 0, lost[0])
  const refused = strangers.filter(({ status }) => status !== 404)
  proof.check(`strangers within their budget are admitted all the while`, refused.length === 0, refused[0])
  // The same database holds the sessions.
  const isExcused = ({ status, code, retryAfter }: Seen) =>
    store.name === 'postgres' && status === 503 && code === 'unavailable' && Number(retryAfter) >= 1
  const failed = owners.filter((seen) => seen.status !== 200 && !isExcused(seen))
  const orUnavailable = store.name === 'postgres' ? ', or 503 while the database is away' : ''
  proof.check(`calls of a session are answered 200${orUnavailable}`, failed.length === 0, failed[0])
  proof.check(
    'each process says once that the store is away, and once that it is back',
    [...linesOf(said.away), ...linesOf(said.back)].every((count) => count === 1),
    { away: linesOf(said.away), back: linesOf(said.back) },
  )
  proof.atLeast('requests', strangers.length + owners.length, (2 * (calmMs + awayMs)) / everyMs / 2)
  proof.figure('requests, slowest', `${strangers.length + owners.length}, ${slowest([...strangers, ...owners])} ms`)
}

const slowest = (seen: readonly Seen[]) => Math.round(Math.max(...seen.map(({ ms }) => ms)))

/** A stranger's call and one of a session every few milliseconds, each stranger within the budget of their address. */
async function startLoad(fleet: Fleet) {
  const [strangers, owners, lost]: [Seen[], Seen[], string[]] = [[], [], []]
  const running = new Set<Promise<void>>()
  const begin = (call: Promise<Seen>, seen: Seen[]) => {
    const work = call
      .then((answer) => void seen.push(answer))
      .catch((error) => void lost.push(String(error)))
      .finally(() => running.delete(work))
    running.add(work)
  }
  const callsEach = fleet.addressBudget / 2
  const accounts = await Promise.all(Array.from({ length: 8 }, () => fleet.openAccount()))
  let forwarded = ''
  let index = 0
  const timer = setInterval(() => {
    if (index % callsEach === 0) forwarded = newAddress()
    const token = accounts[index % accounts.length]?.accessToken ?? ''
    begin(fleet.client.visit(fleet.urlOf(index), { path: '/nowhere', forwarded }), strangers)
    begin(fleet.client.visit(fleet.urlOf(index), { path: '/api/v1/auth/me', token, forwarded }), owners)
    index++
  }, everyMs)
  return {
    async stop() {
      clearInterval(timer)
      while (running.size > 0) await Promise.all(running)
      return { strangers, owners, lost }
    },
  }
}
