import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  type ConsumerScene,
  type Handle,
  labelOf,
  type MenuEvent,
  menuConsumer,
  moduleOf,
  openScene,
  until,
} from './support/consumerScene.ts'
import { readScrape, total } from './support/scrape.ts'

let scene: ConsumerScene
beforeAll(async () => {
  scene = await openScene()
})
afterEach(() => scene.clear())
afterAll(() => scene.close())

const noWait = { firstRetrySeconds: 0.001, longestRetrySeconds: 0.001 }
const partitionsWith = async (condition: string) =>
  (await scene.rows('*')).length > 0 && (await scene.sql(`select from event_consumers where ${condition}`)).length

describe('a consumer', () => {
  it('is told once of each event of its topics, with tenant, actor, request and trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const seen: MenuEvent[] = []
    await scene.createMenu('before', { traceparent, 'x-request-id': 'told' })
    const app = await scene.consume(async (event, { log }) => {
      seen.push(event)
      log.info('seen')
    })
    await until(() => seen.length === 1)
    await scene.createMenu('after')
    await until(() => seen.length === 2)
    expect(seen[0]).toMatchObject({
      topic: 'menu.created',
      tenant_id: null,
      actor_id: scene.admin.id,
      request_id: 'told',
      traceparent,
      payload: { label: 'before' },
    })
    expect(seen.map(labelOf)).toEqual(['before', 'after'])
    const line = JSON.parse(app.logged.find((text) => text.includes('"seen"')) ?? '{}')
    expect(line).toMatchObject({ consumer: 'test.menus', request_id: 'told', trace_id: traceparent.split('-')[1] })
  })

  it('goes on where it was, and begins behind the log when it is to begin now', async () => {
    const seen: string[] = []
    const handle: Handle = async (event) => void seen.push(labelOf(event))
    await scene.createMenu('before')
    await scene.web.caughtUp()
    const first = await scene.consume(handle, { from: 'now' })
    await first.consumers.look()
    await scene.createMenu('first')
    await until(() => seen.length > 0)
    await scene.stop(first)
    await scene.createMenu('meanwhile')
    await scene.consume(handle, { from: 'now' })
    await until(() => seen.length > 1)
    expect(seen).toEqual(['first', 'meanwhile'])
  })

  it('is worked for by several instances at once, in order for each key and once for each event', async () => {
    const seen: { id: string; label: string; by: number }[] = []
    const busy = new Set<string>()
    const overlaps: string[] = []
    const handle =
      (by: number): Handle =>
      async (event) => {
        if (busy.has(event.target)) overlaps.push(event.target)
        busy.add(event.target)
        await new Promise(setImmediate)
        seen.push({ id: event.target, label: labelOf(event), by })
        busy.delete(event.target)
      }
    await Promise.all([scene.consume(handle(1)), scene.consume(handle(2))])
    await until(async () => new Set((await scene.rows('holder')).map(({ holder }) => holder)).size === 2)
    const ids = await Promise.all(Array.from({ length: 12 }, () => scene.createMenu('0')))
    for (const label of ['1', '2', '3']) await Promise.all(ids.map((id) => scene.renameMenu(id, label)))
    await until(() => seen.length >= 48)
    const labelsOf = (id: string) => seen.filter((one) => one.id === id).map(({ label }) => label)
    expect(ids.map(labelsOf)).toEqual(ids.map(() => ['0', '1', '2', '3']))
    expect(overlaps).toEqual([])
    expect(new Set(seen.map(({ by }) => by))).toEqual(new Set([1, 2]))
  })

  it('shares out its partitions anew as instances come and go', async () => {
    const holders = async () => {
      const held = (await scene.rows('holder')).map(({ holder }) => holder)
      return [...new Set(held)].map((holder) => held.filter((one) => one === holder).length)
    }
    const first = await scene.consume(async () => {})
    await until(async () => (await holders())[0] === 4)
    await scene.consume(async () => {})
    await until(async () => (await holders()).join() === '2,2')
    await scene.stop(first)
    await until(async () => (await holders())[0] === 4 && (await partitionsWith('holder is null')) === 0)
  })

  it('catches up with a log that is longer than what is read at once', async () => {
    await scene.sql(
      `insert into events (topic, target, payload)
       select 'menu.created', (i % 50)::text, jsonb_build_object('code', i, 'label', i::text) from generate_series(1, 1500) i`,
    )
    await scene.web.caughtUp()
    const seen: number[] = []
    await scene.consume(async (event) => void seen.push(Number(labelOf(event))))
    await until(() => seen.length >= 1500)
    const inOrder = [...seen].sort((a, b) => a - b)
    expect(inOrder).toEqual(Array.from({ length: 1500 }, (_, i) => i + 1))
    for (let key = 0; key < 50; key++) {
      const ofKey = seen.filter((n) => n % 50 === key)
      expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b))
    }
  })

  it('keeps the partitions it began with, and says so', async () => {
    await scene.stop(await scene.consume(async () => {}))
    await scene.sql("insert into event_consumers (name, partition) values ('test.menus', 0), ('test.menus', 1)")
    const app = await scene.consume(async () => {}, { partitions: 8 })
    await app.consumers.look()
    expect(await scene.rows('partition')).toEqual([{ partition: 0 }, { partition: 1 }])
    expect(app.logged.filter((line) => line.includes('keeps the partitions it began with'))).toHaveLength(1)
  })

  it('says which events it missed when the log was trimmed before it came', async () => {
    await scene.createMenu('trimmed')
    await scene.web.caughtUp()
    const [{ last }] = (await scene.sql('select last_position as last from event_log')) as [{ last: string }]
    await scene.sql(`insert into event_consumers (name, partition, position) values ('test.menus', 0, $1)`, [
      Number(last) - 1,
    ])
    await scene.sql('delete from events')
    await scene.sql('update event_log set first_position = last_position + 1')
    const seen: string[] = []
    const app = await scene.consume(async (event) => void seen.push(labelOf(event)))
    await scene.createMenu('kept')
    await until(() => seen.length > 0)
    expect(seen).toEqual(['kept'])
    const lines = app.logged.filter((line) => line.includes('a consumer missed events'))
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 50, from: Number(last), to: Number(last) }])
  })
})

describe('a handler that fails', () => {
  it('holds up its own partition alone, and is tried again with the same event first', async () => {
    const seen: string[] = []
    const app = await scene.consume(
      async (event, { attempt }) => {
        seen.push(`${labelOf(event)} ${attempt}`)
        if (labelOf(event) === 'bad' && attempt < 3) throw new TypeError('no')
      },
      { ...noWait, key: (event) => ('label' in event.payload && event.payload.label === 'other' ? 'b' : 'a') },
    )
    await scene.createMenu('bad')
    await scene.createMenu('next')
    await scene.createMenu('other')
    await until(() => seen.length === 5)
    expect(seen.filter((one) => !one.startsWith('other'))).toEqual(['bad 1', 'bad 2', 'bad 3', 'next 1'])
    expect(seen).toContain('other 1')
    expect(await scene.deadLetters()).toEqual([])
    expect(app.logged.filter((line) => line.includes('a consumer failed on an event'))).toHaveLength(2)
    const { text } = await app.request('GET', '/admin/metrics')
    expect(text).toContain('tsforge_consumer_tries_total{consumer="test.menus",outcome="failed"} 2\n')
  })

  it('waits longer after each failure, and the wait outlives the instance', async () => {
    await scene.createMenu('bad')
    const attempts: number[] = []
    const handle: Handle = async (_event, { attempt }) => {
      attempts.push(attempt)
      throw new Error('no')
    }
    const settings = { firstRetrySeconds: 3_600, longestRetrySeconds: 100_000 }
    const first = await scene.consume(handle, settings)
    await until(async () => (await partitionsWith('attempts = 1')) === 1)
    const wait = 'extract(epoch from retry_at - now()) between 1700 and 3600'
    expect(await partitionsWith(`attempts = 1 and ${wait}`)).toBe(1)
    await scene.stop(first)
    const second = await scene.consume(handle, settings)
    await second.consumers.look()
    expect(attempts).toEqual([1])
    await scene.stop(second)
    await scene.sql('update event_consumers set retry_at = now() where retry_at is not null')
    await scene.consume(handle, settings)
    await until(async () => (await partitionsWith('attempts = 2')) === 1)
    expect(await partitionsWith('extract(epoch from retry_at - now()) between 3500 and 7200')).toBe(1)
    expect(attempts).toEqual([1, 2])
  })

  it('shows in the lag of its consumer until it is handled', async () => {
    await scene.sql(
      `insert into events (topic, target, payload, occurred_at)
       values ('menu.created', 'a', '{"code": "a", "label": "bad"}', now() - interval '1 hour'),
              ('user.registered', 'a', '{}', now() - interval '2 hours')`,
    )
    await scene.web.caughtUp()
    let isMended = false
    const app = await scene.consume(
      async () => {
        if (!isMended) throw new Error('no')
      },
      { firstRetrySeconds: 0.2, longestRetrySeconds: 0.2, tries: 100 },
    )
    const lag = async () =>
      total(readScrape((await app.request('GET', '/admin/metrics')).text), 'tsforge_consumer_lag_seconds', {
        consumer: 'test.menus',
      })
    await until(async () => (await lag()) >= 3_600)
    expect(await lag()).toBeLessThan(7_200)
    isMended = true
    await until(async () => (await lag()) === 0)
    expect((await scene.web.request('GET', '/admin/metrics')).text).not.toContain('tsforge_consumer_lag_seconds{')
  })

  it('makes a dead letter after its tries, without what the error quotes, and the next event is handled', async () => {
    const seen: string[] = []
    const app = await scene.consume(
      async (event, { db }) => {
        if (labelOf(event) !== 'bad') return void seen.push(labelOf(event))
        await db.execute(sql`select ${'hunter2'}::int`)
      },
      { ...noWait, tries: 3, key: () => 'all' },
    )
    await scene.createMenu('bad')
    await scene.createMenu('next')
    await until(() => seen.length > 0)
    expect(await scene.deadLetters()).toMatchObject([
      { consumer: 'test.menus', attempts: 3, failure: 'SQLSTATE 22P02', redrive_at: null },
    ])
    expect(app.logged.filter((line) => line.includes('an event became a dead letter'))).toHaveLength(1)
    const { text } = await app.request('GET', '/admin/metrics')
    expect(text).toContain('tsforge_dead_letters_total{consumer="test.menus"} 1\n')
    expect(app.logged.join('')).not.toContain('hunter2')
    expect(seen).toEqual(['next'])
  })

  it('makes a dead letter with its own failure, too, when that has to wait for the database', async () => {
    await scene.sql('revoke insert on event_dead_letters from app')
    const app = await scene.consume(async () => Promise.reject(new TypeError('no')), { ...noWait, tries: 1 })
    await scene.createMenu('bad')
    await until(() => app.logged.some((line) => line.includes('a consumer waits')))
    await scene.sql('grant insert on event_dead_letters to app')
    await until(async () => (await scene.deadLetters()).length === 1)
    expect(await scene.deadLetters()).toMatchObject([{ attempts: 1, failure: 'TypeError' }])
  })

  it('stops no other consumer, nor does one whose key cannot be told', async () => {
    const seen: string[] = []
    await scene.start([
      moduleOf({
        consumers: [
          menuConsumer(async () => Promise.reject(new Error('no')), { name: 'test.fails', ...noWait, tries: 1 }),
          menuConsumer(async () => {}, {
            name: 'test.keyless',
            ...noWait,
            tries: 1,
            key: () => {
              throw new RangeError('no key')
            },
          }),
          menuConsumer(async (event) => void seen.push(labelOf(event)), { name: 'test.works' }),
        ],
      }),
    ])
    await scene.createMenu('one')
    await until(async () => seen.length === 1 && (await scene.deadLetters()).length === 2)
    expect((await scene.deadLetters()).map(({ consumer, failure }) => [consumer, failure])).toEqual([
      ['test.fails', 'Error'],
      ['test.keyless', 'RangeError'],
    ])
  })

  it('is given up on after its time, and what it still does is rolled back', async () => {
    await scene.createMenu('slow')
    const late: { finish: () => void; result?: Promise<unknown> }[] = []
    const app = await scene.consume(
      async (event, { transaction, signal }) => {
        const held = new Promise<void>((finish) => late.push({ finish }))
        const result = transaction(async (tx) => {
          await tx.execute(`insert into effects values ('${labelOf(event)}')`)
          await held
        })
        Object.assign(late.at(-1) ?? {}, { result: result.catch((error: Error) => error.name) })
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
      },
      { ...noWait, tries: 1, withinSeconds: 0.05 },
    )
    await until(async () => (await scene.deadLetters()).length === 1)
    for (const { finish } of late) finish()
    expect(await late[0]?.result).toBe('LeaseLost')
    expect(await scene.effects()).toEqual([])
    expect(app.logged.filter((line) => line.includes('became a dead letter'))).toHaveLength(1)
  })

  it('is counted, too, when it takes the process down each time', async () => {
    await scene.createMenu('poison')
    await scene.web.caughtUp()
    await scene.sql(`insert into event_consumers (name, partition, position, lease, holder, leased_until, attempts)
      select 'test.menus', 0, first_position - 1, 7, 'gone', now() - interval '1 s', 1 from event_log`)
    const seen: number[] = []
    let isHeld = true
    const app = await scene.consume(
      async (_event, { attempt }) => {
        seen.push(attempt)
        await until(() => !isHeld)
      },
      { tries: 2 },
    )
    await until(() => seen.length === 1)
    // Before the handler is over.
    expect(await scene.rows('attempts')).toEqual([{ attempts: 2 }])
    expect(seen).toEqual([2])
    // It ends without a word, as if killed.
    await scene.sql("update event_consumers set lease = lease + 1, leased_until = now() - interval '1 s'")
    isHeld = false
    await scene.stop(app)
    await scene.sql("update event_consumers set holder = 'gone'")
    await scene.consume(async () => void seen.push(0), { tries: 2 })
    await until(async () => (await scene.deadLetters()).length === 1)
    expect(await scene.deadLetters()).toMatchObject([{ failure: 'the process ended while it was handled' }])
    expect(seen).toEqual([2])
  })
})

describe('the lag of the feed', () => {
  it('grows while the log cannot be asked, and is small again once it can', async () => {
    const lag = async () =>
      total(readScrape((await scene.web.request('GET', '/admin/metrics')).text), 'tsforge_feed_lag_seconds')
    await scene.sql('revoke execute on function number_events from app, public')
    await until(async () => (await lag()) > 2)
    await scene.sql('grant execute on function number_events to app')
    await until(async () => (await lag()) < 2)
  })
})
