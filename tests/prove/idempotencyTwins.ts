import { Agent } from 'node:http'
import { withConnection } from '../../db/oneConnection.ts'
import type { ServerProcess } from '../support/serverProcess.ts'
import type { Proof } from './harness.ts'
import { callsOf, effectsOf, type KeyedCall, openAccount, type RawAnswer, send } from './keyedCalls.ts'
import { sum } from './numbers.ts'

export interface Twins {
  readonly keys: number
  /** How often each call is sent at the same time. */
  readonly twins: number
  readonly servers: readonly ServerProcess[]
  readonly ownerUrl: string
}

const keysAtOnce = 2

/** The same call many times at once, over several server processes in turn. */
export async function checkTwins(proof: Proof, { keys, twins, servers, ownerUrl }: Twins): Promise<void> {
  const agent = new Agent({ keepAlive: true, timeout: 5_000 })
  const urls = servers.map(({ url }) => url)
  const replies = new Map<KeyedCall, RawAnswer[]>()
  try {
    while (replies.size < keys) {
      proof.progress(`${replies.size}/${keys} keys`)
      const calls = callsOf(await openAccount(agent, urls[0] ?? ''))
      for (let at = 0; at < calls.length && replies.size < keys; at += keysAtOnce) {
        const some = calls.slice(at, Math.min(at + keysAtOnce, at + keys - replies.size))
        const sendTwins = (call: KeyedCall) =>
          Promise.all(Array.from({ length: twins }, (_, index) => send(agent, urls[index % urls.length] ?? '', call)))
        const answers = await Promise.all(some.map(sendTwins))
        for (const [index, call] of some.entries()) replies.set(call, answers[index] ?? [])
      }
    }
  } finally {
    agent.destroy()
  }
  report(proof, replies, twins)
  const effects = await withConnection(ownerUrl, (owner) => effectsOf(owner, [...replies.keys()]))
  const wrong = [...effects].filter(([, count]) => count !== 1)
  proof.check(
    `of ${twins} twins at once over ${servers.length} processes exactly one took effect, for each of ${keys} keys`,
    wrong.length === 0 && effects.size === keys,
    wrong.slice(0, 5).map(([{ kind }, count]) => `${kind}: ${count}`),
  )
}

function report(proof: Proof, replies: ReadonlyMap<KeyedCall, RawAnswer[]>, twins: number): void {
  const all = [...replies.values()]
  const successes = (answers: RawAnswer[]) => answers.filter(({ status }) => status === 200 || status === 201)
  const firsts = all.map((answers) => successes(answers).filter(({ isReplay }) => !isReplay).length)
  const others = all.flat().filter(({ status }) => status !== 200 && status !== 201)
  const differing = all.filter((answers) => new Set(successes(answers).map(({ data }) => data)).size !== 1)
  const isWait = ({ status, data, retryAfter }: RawAnswer) =>
    status === 409 && data.includes('"idempotency.in_progress"') && Number(retryAfter) >= 1
  proof.check(
    'of each set of twins one was carried out',
    firsts.every((count) => count === 1),
    firsts,
  )
  proof.check('its answer is the same for all that got one, byte for byte', differing.length === 0, differing.length)
  proof.check(
    'every other one was told 409 idempotency.in_progress with Retry-After',
    others.every(isWait),
    others.find((answer) => !isWait(answer)),
  )
  proof.atLeast('twins sent', all.flat().length, replies.size * twins)
  proof.figure(
    'carried out, replayed, told to wait',
    [sum(firsts), all.flat().filter(({ isReplay }) => isReplay).length, others.length].join(', '),
  )
}
