import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  type ConsumerScene,
  type Handle,
  labelOf,
  menuConsumer,
  moduleOf,
  openScene,
  until,
} from './support/consumerScene.ts'

let scene: ConsumerScene
beforeAll(async () => {
  scene = await openScene()
})
afterEach(() => scene.clear())
afterAll(() => scene.close())

/** A handler that a test holds in its hands, event by event. */
const held = () => {
  const begun: { readonly label: string; readonly signal: AbortSignal; readonly go: () => void }[] = []
  const outcomes: string[] = []
  const handle: Handle = async (event, { transaction, signal }) => {
    await new Promise<void>((go) => begun.push({ label: labelOf(event), signal, go }))
    await transaction((tx) => tx.execute(sql`insert into effects values (${labelOf(event)})`)).then(
      () => outcomes.push('committed'),
      (error: Error) => {
        outcomes.push(error.name)
        throw error
      },
    )
  }
  return { begun, outcomes, handle }
}

/** As another instance would, while this one stands still. */
const takeOver = () =>
  scene.sql("update event_consumers set lease = lease + 1, holder = 'other', leased_until = now() + interval '1 hour'")
const positions = async () => (await scene.rows('position::int as position')).map(({ position }) => position as number)

describe('an effect in the consumer’s transaction', () => {
  it('is committed together with the position', async () => {
    const { begun, outcomes, handle } = held()
    await scene.consume(handle)
    await scene.createMenu('one')
    await until(() => begun.length === 1)
    expect(await scene.effects()).toEqual([])
    begun[0]?.go()
    await until(() => outcomes.length === 1)
    expect([await scene.effects(), outcomes]).toEqual([['one'], ['committed']])
    const [{ last }] = (await scene.sql('select max(position)::int as last from events')) as [{ last: number }]
    expect(Math.max(...(await positions()))).toBe(last)
  })

  it('is rolled back, and the position stays, when another instance has taken over', async () => {
    const { begun, outcomes, handle } = held()
    const app = await scene.consume(handle)
    await scene.createMenu('one')
    await until(() => begun.length === 1)
    await takeOver()
    const before = await positions()
    begun[0]?.go()
    await until(() => outcomes.length === 1)
    expect([await scene.effects(), outcomes]).toEqual([[], ['LeaseLost']])
    expect(await positions()).toEqual(before)
    await until(() => app.logged.some((line) => line.includes('another instance has taken a partition over')))
    expect(await scene.deadLetters()).toEqual([])
  })

  it('happens once when two are at the same event', async () => {
    const { begun, outcomes, handle } = held()
    await scene.consume(handle)
    await scene.createMenu('one')
    await until(() => begun.length === 1)
    // As if it had stood still for longer than its lease: whoever looks first has the partition now.
    await scene.sql('update event_consumers set lease = lease + 1, holder = null, leased_until = null')
    await scene.consume(handle)
    await until(() => begun.length === 2)
    begun[1]?.go()
    await until(() => outcomes.length === 1)
    begun[0]?.go()
    await until(() => outcomes.length === 2)
    expect(outcomes).toEqual(['committed', 'LeaseLost'])
    expect(await scene.effects()).toEqual(['one'])
  })

  it('of a redriven event is rolled back, too, and the dead letter waits for whoever has taken over', async () => {
    const { begun, outcomes, handle } = held()
    let isBad = true
    await scene.consume(async (event, effects) => (isBad ? Promise.reject(new Error('no')) : handle(event, effects)), {
      tries: 1,
    })
    await scene.createMenu('one')
    await until(async () => (await scene.deadLetters()).length === 1)
    isBad = false
    await scene.sql('update event_dead_letters set redrive_at = now()')
    await until(() => begun.length === 1)
    await takeOver()
    begun[0]?.go()
    await until(() => outcomes.length === 1)
    expect([await scene.effects(), outcomes]).toEqual([[], ['LeaseLost']])
    expect(await scene.deadLetters()).toMatchObject([{ attempts: 1, redrive_at: expect.any(Date) }])
  })

  it('is rolled back with its work, and tried again', async () => {
    const attempts: number[] = []
    await scene.consume(
      async (event, { transaction, attempt }) => {
        await transaction(async (tx) => {
          await tx.execute(sql`insert into effects values (${labelOf(event)})`)
          attempts.push(attempt)
          if (attempt < 3) throw new Error('no')
        })
      },
      { firstRetrySeconds: 0.001 },
    )
    await scene.createMenu('one')
    await until(async () => (await scene.effects()).length > 0)
    expect([await scene.effects(), attempts]).toEqual([['one'], [1, 2, 3]])
  })

  it('is not repeated for what fails behind it, and fails the try even where nobody waits for it', async () => {
    const seen: string[] = []
    const app = await scene.consume(
      async (event, { transaction, attempt }) => {
        seen.push(`${labelOf(event)} ${attempt}`)
        const done = transaction(async (tx) => {
          await tx.execute(sql`insert into effects values (${labelOf(event)})`)
          if (labelOf(event) === 'forgotten' && attempt === 1) throw new Error('no')
        })
        if (labelOf(event) === 'forgotten') return
        await done
        throw new Error('behind it')
      },
      { firstRetrySeconds: 0.001, key: () => 'all' },
    )
    await scene.createMenu('done')
    await scene.createMenu('forgotten')
    await until(async () => (await scene.effects()).length === 2)
    expect(seen).toEqual(['done 1', 'forgotten 1', 'forgotten 2'])
    expect(app.logged.filter((line) => line.includes('failed behind its transaction'))).toHaveLength(1)
  })

  it('may tell of what it does, in the trace of what caused it', async () => {
    const told: (string | null)[] = []
    await scene.start([
      moduleOf({
        consumers: [
          menuConsumer(async (event, { transaction, record }) => {
            if (labelOf(event) === 'caused') told.push(event.actor_id, event.request_id)
            else
              await transaction((tx) =>
                record(tx, { topic: 'menu.updated', target: event.target, payload: { code: 'x', label: 'caused' } }),
              )
          }),
        ],
      }),
    ])
    await scene.createMenu('cause', { 'x-request-id': 'cause-1' })
    await until(() => told.length > 0)
    expect(told).toEqual([null, 'cause-1'])
  })
})

describe('a partition that is taken over', () => {
  it('is confirmed no more by a plain handler, whose signal aborts', async () => {
    const begun: { readonly signal: AbortSignal; readonly go: () => void }[] = []
    const app = await scene.consume((_event, { signal }) => new Promise((go) => begun.push({ signal, go })))
    await scene.createMenu('one')
    await until(() => begun.length === 1)
    await takeOver()
    const before = await positions()
    begun[0]?.go()
    await until(() => app.logged.some((line) => line.includes('another instance has taken a partition over')))
    expect(begun[0]?.signal.aborted).toBe(true)
    expect(await positions()).toEqual(before)
  })

  it('is given back as the server stops, once the event at hand is handled', async () => {
    const { begun, outcomes, handle } = held()
    const app = await scene.consume(handle)
    await scene.createMenu('one')
    await until(() => begun.length === 1)
    const stopped = scene.stop(app)
    await until(() => begun[0]?.signal.aborted === true)
    begun[0]?.go()
    await stopped
    expect(outcomes).toEqual(['committed'])
    expect(await scene.rows('holder, leased_until')).toEqual(Array(4).fill({ holder: null, leased_until: null }))
    expect(await scene.sql('select * from event_workers')).toEqual([])
  })

  it('goes to the others without a pause when the server stops, uncounted if the handler breaks off', async () => {
    const seen: number[] = []
    const app = await scene.consume(
      (_event, { signal }) =>
        new Promise((_, reject) => {
          seen.push(0)
          signal.addEventListener('abort', () => reject(new Error('aborted')))
        }),
    )
    await scene.createMenu('one')
    await until(() => seen.length === 1)
    await scene.stop(app)
    await scene.consume(async (_event, { attempt }) => void seen.push(attempt))
    await until(() => seen.length === 2)
    expect(seen).toEqual([0, 1])
  })

  it('stays with a process that is killed until the lease ends', async () => {
    await scene.createMenu('one')
    await scene.web.caughtUp()
    await scene.sql(`insert into event_consumers (name, partition, position, lease, holder, leased_until)
      select 'test.menus', 0, first_position - 1, 3, 'killed', now() + interval '1 hour' from event_log`)
    const seen: number[] = []
    const app = await scene.consume(async (_event, { lease }) => void seen.push(lease))
    await app.consumers.look()
    await app.consumers.look()
    expect(seen).toEqual([])
    await scene.sql('update event_consumers set leased_until = now()')
    await until(() => seen.length === 1)
    expect(seen).toEqual([4])
  })
})
