import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type ConsumerScene, moduleOf, openScene, until } from './support/consumerScene.ts'

let scene: ConsumerScene
beforeAll(async () => {
  scene = await openScene()
})
afterEach(() => scene.clear())
afterAll(() => scene.close())

it('tells every instance of each event, in order, with the tenant and the trace', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const seen: string[][] = [[], []]
  const subscribe = (labels: string[]) =>
    scene.start([
      moduleOf({
        on: {
          'menu.created': ({ payload, tenant_id: tenant, traceparent: trace }, { log }) => {
            labels.push(`${payload.label} ${tenant} ${trace}`)
            log.info('told')
          },
        },
      }),
    ])
  const apps = await Promise.all(seen.map(subscribe))
  // What happened before an instance first looked, it is not told.
  await Promise.all(apps.map((app) => app.caughtUp()))
  for (const label of ['a', 'b', 'c']) await scene.createMenu(label, { traceparent })
  await until(() => seen.flat().length === 6)
  const expected = ['a', 'b', 'c'].map((label) => `${label} null ${traceparent}`)
  expect(seen).toEqual([expected, expected])
  const lines = apps[0]?.logged.filter((line) => line.includes('"told"')).map((line) => JSON.parse(line))
  expect(lines?.[0]).toMatchObject({ topic: 'menu.created', trace_id: traceparent.split('-')[1] })
})

it('keeps the failure of one subscriber from the others and from what comes next', async () => {
  const seen: string[] = []
  const app = await scene.start([
    moduleOf({
      on: {
        'menu.created': () => {
          throw new Error('no')
        },
      },
    }),
    moduleOf({ on: { 'menu.created': async () => Promise.reject(new Error('no')) } }),
    moduleOf({ on: { 'menu.created': ({ payload }) => void seen.push(payload.label) } }),
  ])
  await app.caughtUp()
  await scene.createMenu('a')
  await scene.createMenu('b')
  await until(() => seen.length === 2)
  await until(() => app.logged.filter((line) => line.includes('a subscriber failed on an event')).length === 4)
  expect(seen).toEqual(['a', 'b'])
})

it('does not tell again what happened while nobody was there', async () => {
  await scene.createMenu('before')
  await scene.web.caughtUp()
  const seen: string[] = []
  const app = await scene.start([moduleOf({ on: { 'menu.created': ({ payload }) => void seen.push(payload.label) } })])
  await app.caughtUp()
  await scene.createMenu('after')
  await until(() => seen.length > 0)
  expect(seen).toEqual(['after'])
})

it('drops what a subscriber is too slow for, and says so', async () => {
  let seen = 0
  let go = () => {}
  const held = new Promise<void>((resolve) => {
    go = resolve
  })
  const app = await scene.start([
    moduleOf({
      on: {
        'menu.created': async () => {
          await held
          seen++
        },
      },
    }),
  ])
  await app.caughtUp()
  await scene.sql(`insert into events (topic, target, payload)
    select 'menu.created', 'x', '{"code":"x","label":"x"}' from generate_series(1, 1005)`)
  await app.caughtUp()
  expect(app.logged.filter((line) => line.includes('a subscriber is too slow'))).toHaveLength(4)
  go()
  await until(() => seen === 1_001)
})
