import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ConsumerScene, openScene } from './support/consumerScene.ts'

let scene: ConsumerScene
beforeAll(async () => {
  scene = await openScene()
})
beforeEach(() => scene.clear())
afterAll(() => scene.close())

const insert = (count: number, age: string) =>
  scene.sql(
    `insert into events (topic, target, payload, occurred_at)
     select 'menu.deleted', i::text, '{}', now() - $2::interval from generate_series(1, $1) i`,
    [count, age],
  )
const runDuties = async () => {
  await scene.sql('truncate duties')
  await scene.web.duties.look()
}
const resultOf = async (name: string) =>
  (await scene.sql('select result from duties where name = $1', [name]))[0]?.result
const left = async () => {
  const [row] = await scene.sql(
    `select count(*)::int, (select first_position::int from event_log) - coalesce(min(position), 0)::int as before from events`,
  )
  return row
}

it('trims what is older than EVENT_RETENTION_DAYS, in batches, and nothing else', async () => {
  await insert(2_300, '30 days 1 minute')
  await insert(5, '29 days 23 hours')
  await scene.web.caughtUp()
  await runDuties()
  expect(await resultOf('events.trim')).toMatchObject({ events: 2_300 })
  expect(await left()).toEqual({ count: 5, before: 0 })
  await runDuties()
  expect(await resultOf('events.trim')).toMatchObject({ events: 0 })
})

it('keeps the events of dead letters, until these are settled', async () => {
  await insert(10, '31 days')
  await scene.web.caughtUp()
  await scene.sql(`insert into event_dead_letters (consumer, position, attempts, failure)
    select 'test.menus', min(position) + 3, 8, 'Error' from events`)
  await runDuties()
  expect(await left()).toEqual({ count: 1, before: 7 })
  await runDuties()
  expect(await left()).toEqual({ count: 1, before: 7 })
  await scene.sql('delete from event_dead_letters')
  await runDuties()
  expect(await left()).toMatchObject({ count: 0 })
})

it('forgets instances that ended without a word, and tickets that expired', async () => {
  await scene.sql(`insert into event_workers values
    ('test.menus', 'gone', now() - interval '1 s'), ('test.menus', 'there', now() + interval '1 h')`)
  await runDuties()
  expect(await scene.sql('select holder from event_workers')).toEqual([{ holder: 'there' }])
  const issue = () => scene.web.request('POST', '/api/v1/stream/ticket', { token: scene.admin.accessToken })
  await issue()
  await scene.sql("update stream_tickets set expires_at = now() - interval '1 s'")
  await issue()
  await runDuties()
  expect(await resultOf('events.forgetTickets')).toEqual({ tickets: 1 })
  expect(await scene.sql('select expires_at > now() as live from stream_tickets')).toEqual([{ live: true }])
})
