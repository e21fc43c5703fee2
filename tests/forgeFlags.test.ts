import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../db/database.ts'
import { setFlag } from '../server/cli/flags.ts'
import { startApp, type TestApp } from './support/app.ts'
import { until } from './support/consumerScene.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { labFlags } from './support/flagScene.ts'
import { forge as runForge, variablesOf } from './support/forge.ts'

let database: TestDatabase
let app: TestApp
beforeAll(async () => {
  database = await createDatabase()
  app = await startApp({ database, environment: { FLAGS_TTL_SECONDS: '3600' } })
})
beforeEach(() => app.sql('delete from flags'))
afterAll(async () => {
  await app.close()
  await database.drop()
})

const forgeIn = (environment: Record<string, string>, ...args: string[]) =>
  runForge(['flags', ...args], { ...variablesOf(database), ...environment })
const forge = (...args: string[]) => forgeIn({}, ...args)
const json = async (...args: string[]) => JSON.parse((await forge(...args, '--json')).out)
const events = () =>
  app.sql("select topic, target, payload, actor_id from events where topic like 'flag.%' order by sequence")

const ada = '018f6b0e-0000-7000-8000-000000000000'

describe('flags set', () => {
  it('changes what running servers say, and clear changes it back', async () => {
    const stranger = async () => (await app.request('POST', '/api/v1/auth/register', { body: {} })).status
    expect(await forge('set', 'registration', 'false')).toEqual({
      code: 0,
      out: 'registration  false  by database  (Strangers may open an account of their own.)\n',
      err: '',
    })
    await until(async () => (await stranger()) === 404)
    expect(await json('clear', 'registration')).toEqual({ name: 'registration', cleared: true })
    await until(async () => (await stranger()) === 400)
    expect((await forge('clear', 'registration')).out).toBe('The database said nothing of registration.\n')
    expect(await events()).toEqual([
      { topic: 'flag.set', target: 'registration', payload: { value: false, rules: 0 }, actor_id: null },
      { topic: 'flag.cleared', target: 'registration', payload: {}, actor_id: null },
    ])
  })

  it('adds rules behind each other, and leaves them when the value is set', async () => {
    await forge('set', 'registration', 'true', '--user', ada, '--role', 'admin', 'tester')
    await forge('set', 'registration', 'true', '--percentage', '12.5')
    const state = await json('set', 'registration', 'false')
    expect(state).toMatchObject({
      source: 'database',
      value: false,
      rules: [
        { value: true, users: [ada], roles: ['admin', 'tester'] },
        { value: true, percentage: 12.5 },
      ],
    })
    expect(await json('list')).toEqual([state])
    expect((await forge('list')).out).toBe(
      `registration  false to others  by database  (Strangers may open an account of their own.)
  rule 1  true  users ${ada} and roles admin, tester
  rule 2  true  12.5 % of users
`,
    )
  })

  it('keeps the number of rules within what the contract says', async () => {
    const rules = JSON.stringify(Array(50).fill({ percentage: 1, value: true }))
    await app.sql("insert into flags (name, rules) values ('registration', $1)", [rules])
    const run = await forge('set', 'registration', 'true', '--percentage', '2')
    expect([run.code, run.err]).toEqual([
      1,
      'registration has as many rules as it may have: clear it, or set them all through the API.\n',
    ])
    expect((await json('list'))[0].rules).toHaveLength(50)
  })

  it('knows variants', async () => {
    const own = openDatabase({
      url: database.appUrl,
      maxConnections: 1,
      statementCache: true,
      applicationName: 'test',
      acquireTimeoutMs: 5_000,
      onError: () => {},
    })
    const settings = { variables: {}, file: undefined, ttlSeconds: 30 }
    const asked = { name: 'labs.theme', conditions: {}, settings }
    try {
      expect(await setFlag(own, labFlags, { ...asked, value: 'dark' })).toMatchObject({ value: 'dark' })
      await expect(setFlag(own, labFlags, { ...asked, value: 'pink' })).rejects.toThrow(
        'Nothing was done: labs.theme must be one of [plain dark loud].',
      )
    } finally {
      await own.close()
    }
  })
})

it('flags list shows a variable before the database', async () => {
  await forge('set', 'registration', 'true', '--percentage', '50')
  const { out } = await forgeIn({ FLAG_REGISTRATION: 'false' }, 'list')
  expect(out).toContain('registration  false  by environment')
  expect(out).toContain('rule 1  true  does not count: 50 % of users')
})

it.each([
  [['set', 'nobody', 'true'], 1, 'There is no flag nobody: flags list shows those of the contract.\n'],
  [['clear', 'nobody'], 1, 'There is no flag nobody'],
  [['set', 'registration', 'maybe'], 2, 'Nothing was done: registration must be true or false.\n'],
  [
    ['set', 'registration', 'true', '--percentage', '101'],
    2,
    'Nothing was done: --percentage is a number from 0 to 100',
  ],
  [['set', 'registration', 'true', '--percentage', ' '], 2, 'Nothing was done: --percentage'],
  [['set', 'registration', 'true', '--tenant', 'acme'], 2, '--tenant and --user are UUIDs'],
  [['set', 'registration'], 2, "missing required argument 'value'"],
  [[], 2, 'Usage:'],
])('answers %j with code %i', async (args, code, sentence) => {
  const run = await forge(...args)
  expect([run.code, run.out]).toEqual([code, ''])
  expect(run.err).toContain(sentence)
})

it('says what is wrong with a variable', async () => {
  const run = await forgeIn({ FLAG_NOBODY: 'true' }, 'list')
  expect([run.code, run.out]).toEqual([1, ''])
  expect(run.err).toContain('FLAG_NOBODY')
})

it.each(['list', 'set', 'clear'])('%s shows help with an example', async (command) => {
  const { code, out } = await forge(command, '--help')
  expect([code, out]).toEqual([0, expect.stringContaining(`npm run forge -- flags ${command}`)])
})
