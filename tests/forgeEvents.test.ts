import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ConsumerScene, labelOf, menuConsumer, moduleOf, openScene, until } from './support/consumerScene.ts'
import { forge as runForge, variablesOf } from './support/forge.ts'

let scene: ConsumerScene
beforeAll(async () => {
  scene = await openScene()
})
beforeEach(() => scene.clear())
afterAll(() => scene.close())

const forge = (...args: string[]) => runForge(['events', ...args], variablesOf(scene.database))
const json = async (...args: string[]) => JSON.parse((await forge(...args, '--json')).out)

/** Instances fail on events with this label. */
const failing = new Set<string>()
const seen: string[] = []
const consume = () =>
  scene.start([
    moduleOf({
      consumers: [
        menuConsumer(
          async (event, { attempt, transaction }) => {
            seen.push(`${labelOf(event)} ${attempt}`)
            if (failing.has(labelOf(event))) throw new TypeError('hunter2')
            if (labelOf(event) === 'in one')
              await transaction((tx) => tx.execute("insert into effects values ('in one')"))
          },
          { tries: 2, firstRetrySeconds: 0.001, key: () => 'all' },
        ),
      ],
    }),
  ])
afterEach(() => {
  failing.clear()
  seen.length = 0
})
const deadCount = async () => (await scene.deadLetters()).length

/** A consumer with dead letters of these labels. */
const bury = async (...labels: string[]) => {
  const app = await consume()
  for (const label of labels) {
    failing.add(label)
    await scene.createMenu(label, { 'x-request-id': `r-${labels.indexOf(label)}` })
  }
  await until(async () => (await deadCount()) === labels.length)
  seen.length = 0
  return app
}

describe('events list', () => {
  it('shows the log, each partition with lag and holder, and how many dead letters there are', async () => {
    const app = await bury('bad')
    await app.consumers.look()
    const last = (await scene.sql('select last_position::int as last from event_log'))[0]?.last as number
    const { log, consumers } = await json('list')
    expect(log.last_position).toBe(last)
    expect(consumers).toMatchObject([
      {
        name: 'test.menus',
        dead_letters: 1,
        partitions: [0, 1, 2, 3].map((partition) => ({
          partition,
          attempts: 0,
          retry_at: null,
          holder: expect.any(String),
        })),
      },
    ])
    for (const { position, lag } of consumers[0].partitions) expect(position + lag).toBe(last)
    const { code, out, err } = await forge('list')
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('test.menus  dead letters: 1\n  partition 0  position ')
    await scene.stop(app)
    expect((await forge('list')).out.match(/held by nobody/g)).toHaveLength(4)
  })

  it('says so when there is nothing', async () => {
    const { out } = await forge('list')
    expect(out).toMatch(/^The log is empty; \d+ events were in it\. No consumer has read it yet\.\n$/)
  })
})

describe('events show', () => {
  it('shows topic, tenant and failure of each dead letter, and nothing that the event or the error tells', async () => {
    await bury('worse', 'worst')
    const { dead_letters: letters } = await json('show', 'test.menus')
    expect(letters).toMatchObject([
      {
        topic: 'menu.created',
        tenant_id: null,
        request_id: 'r-0',
        failure: 'TypeError',
        attempts: 2,
        redrive_at: null,
      },
      { topic: 'menu.created', request_id: 'r-1' },
    ])
    const position = String(letters[1].position)
    expect((await json('show', 'test.menus', position)).dead_letters).toEqual([letters[1]])
    const { code, out } = await forge('show', 'test.menus', position)
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^\d+ {2}menu\.created .* tenant none {2}TypeError after 2 tries/),
    ])
    // No label of hexadecimal digits alone, which an id may hold.
    expect(JSON.stringify(letters) + out).not.toMatch(/hunter2|wors/)
  })

  it('shows dead letters whose event has gone, and a consumer without any', async () => {
    await bury('bad')
    await scene.sql('delete from events')
    expect((await forge('show', 'test.menus')).out).toContain('no longer in the log')
    await scene.sql('truncate event_dead_letters')
    expect((await forge('show', 'test.menus')).out).toBe('test.menus has no dead letters.\n')
  })
})

describe('events redrive', () => {
  it('has one tried again by the running servers, once, behind newer events', async () => {
    await bury('bad', 'in one')
    await scene.createMenu('newer')
    await until(() => seen.includes('newer 1'))
    failing.clear()
    const [, letter] = await scene.deadLetters()
    const run = await forge('redrive', 'test.menus', '--position', String(letter?.position))
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(run.out).toBe(
      '1 dead letter of test.menus will be tried again by the running servers; events show tells how it went.\n',
    )
    await until(async () => (await deadCount()) === 1)
    expect(seen).toEqual(['newer 1', 'in one 3'])
    expect(await scene.effects()).toEqual(['in one'])
  })

  it('keeps what fails again as a dead letter, and has it tried by nobody until it is asked for again', async () => {
    await bury('bad', 'worse')
    failing.delete('bad')
    expect(await json('redrive', 'test.menus', '--all')).toEqual({ consumer: 'test.menus', redriven: 2 })
    await until(async () => (await deadCount()) === 1 && (await scene.deadLetters())[0]?.attempts === 3)
    expect(await scene.deadLetters()).toMatchObject([{ attempts: 3, failure: 'TypeError', redrive_at: null }])
    expect(seen).toEqual(['bad 3', 'worse 3'])
  })

  it('waits in the table while no server runs', async () => {
    await scene.stop(await bury('bad'))
    failing.clear()
    await forge('redrive', 'test.menus', '--all')
    expect((await forge('show', 'test.menus')).out).toContain('to be tried again')
    await consume()
    await until(async () => (await deadCount()) === 0)
    expect(seen).toEqual(['bad 3'])
  })
})

it.each([
  [['show', 'nobody'], 1, 'There is no consumer nobody: events list shows those that have worked on this database.\n'],
  [['redrive', 'nobody', '--all'], 1, 'There is no consumer nobody: events list shows'],
  [['redrive', 'test.menus', '--all'], 1, 'test.menus has no dead letters: there is nothing to try again.\n'],
  [['redrive', 'test.menus', '--position', '7'], 1, 'test.menus has no dead letter at 7: events show test.menus lists'],
  [['show', 'test.menus', '7'], 1, 'test.menus has no dead letter at 7'],
  [['show', 'test.menus', 'x'], 2, 'Nothing was done: a position is a number from 1'],
  [['redrive', 'test.menus'], 2, 'Nothing was done: say which, with --position <position> or with --all.\n'],
  [['redrive', 'test.menus', '--all', '--position', '7'], 2, 'Nothing was done: say which'],
  [['redrive'], 2, "missing required argument 'consumer'"],
  [[], 2, 'Usage:'],
])('answers %j with code %i', async (args, code, sentence) => {
  await scene.sql("insert into event_consumers (name, partition) values ('test.menus', 0)")
  const run = await forge(...args)
  expect([run.code, run.out]).toEqual([code, ''])
  expect(run.err).toContain(sentence)
})

it.each(['list', 'show', 'redrive'])('%s shows help with an example', async (command) => {
  const { code, out } = await forge(command, '--help')
  expect([code, out]).toEqual([0, expect.stringContaining(`npm run forge -- events ${command}`)])
})
