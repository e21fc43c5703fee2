/**
 * The server of `prove:events`: with two consumers that write down what they were given, and with a death of its own.
 * The first argument names the point, the second how often it is passed before. Both are added from outside: the server
 * has no switch for them.
 */
import { sql } from 'drizzle-orm'
import { modules } from '../../server/modules.ts'
import { type Consumer, consumer } from '../../server/platform/consumers/consumer.ts'
import type { AnyModule } from '../../server/rpc/module.ts'
import type { EventKillPoint } from './eventsKillPoints.ts'
import { betweenStatements, die } from './statements.ts'

const [point, passed] = process.argv.slice(2) as [EventKillPoint?, string?]

const statementOf: Record<EventKillPoint, readonly [name: string, when: 'sent' | 'answered']> = {
  'row written': ['events.insert', 'answered'],
  'position given': ['events.number', 'answered'],
  'handled, not confirmed': ['consumers.confirm', 'sent'],
}

if (point) {
  const [name, when] = statementOf[point]
  let left = Number(passed)
  betweenStatements(() => (said, ask) => {
    const isLast = said === name && left-- <= 0
    if (isLast && when === 'sent') die()
    const answer = ask()
    if (isLast) answer.then(die, () => {})
    return answer
  })
}

const handled = (name: string, position: number, target: string) =>
  sql`insert into proof_handled (consumer, position, target) values (${name}, ${position}, ${target})`

const topics = ['menu.created', 'menu.updated'] as const
const consumers: readonly Consumer[] = [
  consumer({
    name: 'proof.once',
    topics,
    from: 'start',
    async handle({ position, target }, { transaction }) {
      await transaction((tx) => tx.execute(handled('proof.once', position, target)))
    },
  }),
  consumer({
    name: 'proof.again',
    topics,
    from: 'start',
    async handle({ position, target }, { db }) {
      await db.execute(handled('proof.again', position, target))
    },
  }),
]
;(modules as AnyModule[]).push({ name: 'proof', contract: {}, handlers: {}, consumers })

await import('../../server/main.ts')
