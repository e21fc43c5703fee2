import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import type { Written } from './eventsWriters.ts'
import type { Proof } from './harness.ts'

/** Holds what the tables say against what the writers were told. Resolves to the last position. */
export const checkEvents = async (
  proof: Proof,
  client: Client,
  { acknowledged, asked }: Written,
  patienceMs: number,
): Promise<number> => {
  const last = await untilSettled(client)
  const { rows } = await client.query<{ position: number; topic: string; mark: string }>(
    `select position::int as position, topic, coalesce(payload ->> 'code', target) as mark from events
     where topic in ('menu.created', 'menu.deleted') order by position`,
  )
  const times = new Map<string, number>()
  for (const { mark } of rows) times.set(mark, (times.get(mark) ?? 0) + 1)
  const lost = [...acknowledged].filter((mark) => !times.has(mark))
  const twice = [...times].filter(([, count]) => count > 1)
  const invented = [...times.keys()].filter((mark) => !asked.has(mark))
  proof.check('no acknowledged event is missing', lost.length === 0, `${lost.length} are`)
  proof.check('each change has one event', twice.length === 0, `${twice.length} have more`)
  proof.check('no event is invented', invented.length === 0, `${invented.length} are`)
  proof.atLeast('acknowledged changes', acknowledged.size, 50)
  const bounds = await client.query('select count(*)::int as count, max(position)::int as last from events')
  const { count, last: highest } = bounds.rows[0]
  proof.check('positions have no gap', count === highest && highest === last, `${count} events up to ${highest}`)
  await checkConsumers(proof, client, patienceMs)
  return last
}

/** Every committed event is numbered. */
const untilSettled = async (client: Client): Promise<number> => {
  for (;;) {
    const { rows } = await client.query('select count(*)::int as waiting from events where position is null')
    if (rows[0].waiting === 0) break
    await sleep(50)
  }
  return (await client.query('select last_position::int as last from event_log')).rows[0].last
}

const checkConsumers = async (proof: Proof, client: Client, patienceMs: number): Promise<void> => {
  const due = `select count(*)::int as due from events where topic in ('menu.created', 'menu.updated')
    and not exists (select from proof_handled where consumer = $1 and proof_handled.position = events.position)`
  for (const name of ['proof.once', 'proof.again']) {
    const deadline = performance.now() + patienceMs
    let left = 1
    while (left > 0 && performance.now() < deadline) {
      left = (await client.query(due, [name])).rows[0].due
      await sleep(100)
    }
    proof.check(`the consumer ${name} has handled every event`, left === 0, `${left} are left`)
    const disorder = await client.query(
      `select count(*)::int as count from (
         select position, lag(position) over (partition by target order by first) as before
         from (select target, position, min(id) as first from proof_handled where consumer = $1 group by target, position) seen
       ) ordered where before > position`,
      [name],
    )
    proof.check(`and in order for each key (${name})`, disorder.rows[0].count === 0, disorder.rows[0].count)
  }
  const repeats = await client.query(
    `select consumer, count(*)::int - count(distinct position)::int as count from proof_handled group by consumer`,
  )
  const of = (name: string): number => repeats.rows.find(({ consumer }) => consumer === name)?.count ?? 0
  proof.check(
    'what is confirmed with its effect has one effect',
    of('proof.once') === 0,
    `${of('proof.once')} have more`,
  )
  proof.figure('events handled again by the consumer that is at least once', of('proof.again'))
}
