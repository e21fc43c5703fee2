/**
 * The server that dies by SIGKILL in the middle of its first mutation with an Idempotency-Key, at the point that the
 * first argument names; or, with `claim`, the one that no longer claims keys, which the proof must not pass with. Both
 * are done to it from outside: the server has no switch for it.
 */
import { NodeExchange } from '../../server/http/nodeExchange.ts'
import type { OpenExchange } from '../../server/http/openExchange.ts'
import { UwsExchange } from '../../server/http/uwsExchange.ts'
import type { KillPoint } from './killPoints.ts'
import { betweenStatements, die } from './statements.ts'

const dieAtStatement = (word: string, when: 'sent' | 'answered'): void =>
  betweenStatements(() => {
    let isClaiming = false
    return (said, ask) => {
      if (said === 'idempotency.lock') isClaiming = true
      const isHere = said === word && isClaiming
      if (isHere && when === 'sent') die()
      const answer = ask()
      // The first to hear of it, so nothing else has happened yet.
      if (isHere) answer.then(die, () => {})
      if (said === 'commit' || said === 'rollback') isClaiming = false
      return answer
    }
  })

const dieAfterReply = (): void => {
  for (const { prototype } of [UwsExchange, NodeExchange]) {
    const { send } = prototype
    prototype.send = function (this: OpenExchange, answer) {
      Reflect.apply(send, this, [answer])
      if (this.headers['idempotency-key'] !== undefined && answer.status < 300) die()
    }
  }
}

/** Every key is free and nothing was ever kept for it. */
const takeClaim = (): void =>
  betweenStatements(() => (said, ask) => {
    if (said === 'idempotency.lock') return Promise.resolve({ rows: [[true]] })
    return said === 'idempotency.find' ? Promise.resolve({ rows: [] }) : ask()
  })

const deaths: Record<KillPoint, () => void> = {
  'before the claim': () => dieAtStatement('idempotency.lock', 'sent'),
  'after the claim': () => dieAtStatement('idempotency.find', 'answered'),
  'inside the handler': () => dieAtStatement('idempotency.keep', 'sent'),
  'after the commit': () => dieAtStatement('commit', 'answered'),
  'after the answer': dieAfterReply,
}

for (const word of process.argv.slice(2)) {
  if (word === 'claim') takeClaim()
  else deaths[word as KillPoint]()
}
await import('../../server/main.ts')
