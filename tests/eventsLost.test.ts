import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type ConsumerScene, labelOf, moduleOf, openScene, until } from './support/consumerScene.ts'
import { type OpenStream, openSse } from './support/sse.ts'

let scene: ConsumerScene
const open: OpenStream[] = []
beforeAll(async () => {
  scene = await openScene()
})
afterEach(async () => {
  for (const stream of open.splice(0)) stream.close()
  await scene.clear()
})
afterAll(() => scene.close())

/** As a failover does whose standby lacked the last commits: the log, and whoever stood at its end, as they were before. */
const lose = (count: number, andThen = '') =>
  scene.sql(`
    delete from events where position > (select last_position - ${count} from event_log);
    update event_log set last_position = last_position - ${count};
    update event_consumers set position = least(position, (select last_position from event_log));
    ${andThen}`)
/** SQL that records so many events. */
const other = (count: number, label: string) => `insert into events (topic, target, payload)
  select 'menu.created', i::text, '{"code": "x", "label": "${label}"}' from generate_series(1, ${count}) i`
const atEnd = 'where position = last_position'
const lastPosition = async () => Number((await scene.sql('select last_position from event_log'))[0]?.last_position)
const follow = async (lastEventId?: string) => {
  const stream = await openSse(`${scene.web.url}/api/v1/stream`, {
    authorization: `Bearer ${scene.admin.accessToken}`,
    ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
  })
  open.push(stream)
  return stream
}
const errors = () => scene.web.logged.filter((line) => line.includes('the event log has lost events'))

it('tells a stream of a gap when the log is shorter than what was read, and goes on with what comes', async () => {
  const stream = await follow()
  for (const label of ['a', 'b', 'c']) await scene.createMenu(label)
  const last = (await stream.until(({ data }) => data.payload.label === 'c')).at(-1)
  await lose(3)
  await scene.web.caughtUp()
  const end = await lastPosition()
  await scene.createMenu('d')
  const gap = await stream.next()
  expect(gap).toMatchObject({ event: 'gap', data: { from: last?.id, to: `${last?.id?.split('.')[0]}.${end}` } })
  expect(await stream.next()).toMatchObject({ event: 'menu.created', data: { payload: { label: 'd' } } })
  expect(errors()).toHaveLength(1)

  const resumed = await follow(last?.id)
  expect(await resumed.next()).toMatchObject({ event: 'gap', data: { from: last?.id } })
})

it('notices, too, when as many events have come since', async () => {
  const before = errors().length
  const stream = await follow()
  for (const label of ['a', 'b']) await scene.createMenu(label)
  const last = (await stream.until(({ data }) => data.payload.label === 'b')).at(-1)
  await lose(2, other(3, 'x'))
  await scene.web.caughtUp()
  expect(await stream.next()).toMatchObject({ event: 'gap', data: { from: last?.id } })
  expect(errors()).toHaveLength(before + 1)
})

it('goes on telling the bus and the consumers', async () => {
  const [told, handled]: string[][] = [[], []]
  const app = await scene.start([moduleOf({ on: { 'menu.created': ({ payload }) => void told?.push(payload.label) } })])
  const consuming = await scene.consume(async (event) => void handled?.push(labelOf(event)), { key: () => 'all' })
  await app.caughtUp()
  for (const label of ['a', 'b', 'c']) await scene.createMenu(label)
  await until(() => told?.length === 3 && handled?.length === 3)
  await until(async () => (await scene.sql(`select from event_consumers, event_log ${atEnd}`)).length > 0)
  await lose(3, other(1, 'between'))
  await Promise.all([app.caughtUp(), consuming.caughtUp()])
  await scene.createMenu('d')
  await until(() => told?.length === 4 && handled?.length === 5)
  // The bus is told of nothing that came before it looked; a consumer misses nothing.
  expect(told).toEqual(['a', 'b', 'c', 'd'])
  expect(handled).toEqual(['a', 'b', 'c', 'between', 'd'])
})

// They are read anyway each thirty seconds.
it('reads the flags anew, since what was lost may have told of one', { timeout: 15_000 }, async () => {
  const { accessToken: token } = scene.admin
  const registration = async () =>
    (await scene.web.request('GET', '/api/v1/flags', { token })).body.data.flags.registration
  await scene.createMenu('a')
  await scene.web.caughtUp()
  expect(await registration()).toBe(true)
  await scene.sql(`insert into flags (name, value, rules) values ('registration', 'false', '[]')`)
  await lose(1)
  await scene.web.caughtUp()
  await until(async () => (await registration()) === false)
  await scene.sql('delete from flags')
})

it('writes no position of a consumer down that the log has not reached', async () => {
  const handled: string[] = []
  const app = await scene.consume(async (event) => void handled.push(labelOf(event)))
  for (const label of ['a', 'b']) await scene.createMenu(label)
  await until(() => handled.length === 2)
  await lose(2)
  await scene.stop(app)
  const ahead = await scene.sql('select from event_consumers, event_log where position > last_position')
  expect(ahead).toEqual([])
})
