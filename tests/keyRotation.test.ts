import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { decodeProtectedHeader } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Account, password, register } from './support/accounts.ts'
import { startApp, type TestApp } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { kidOf } from './support/forgedTokens.ts'

type Environment = Readonly<Record<string, string>>

const secrets = ['the first', 'the second', 'the third'].map((which) => `${which} signing secret of 32 bytes or more`)
const [first = '', second = '', third = ''] = secrets

const pairs = {
  EdDSA: () => generateKeyPairSync('ed25519'),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
}
const newKey = (alg: keyof typeof pairs, kid: string) => {
  const { privateKey, publicKey } = pairs[alg]()
  const open = { ...publicKey.export({ format: 'jwk' }), kid }
  return { kid, open, closed: { ...privateKey.export({ format: 'jwk' }), kid }, listed: { ...open, alg, use: 'sig' } }
}
const keySet = (...keys: object[]): Environment => ({ JWT_KEYS: JSON.stringify({ keys }) })

const running = new Set<TestApp>()
const databases: TestDatabase[] = []
const endAll = async () => {
  for (const app of running) await app.close()
  running.clear()
  for (const database of databases.splice(0)) await database.drop()
}

/** Servers on one database, each started with what the operator set at that step of a rotation. */
const deploy = async (...steps: readonly Environment[]): Promise<TestApp[]> => {
  const database = await createDatabase()
  databases.push(database)
  const apps: TestApp[] = []
  for (const environment of steps) {
    const reroute = (_url: string, role: 'app' | 'gate') => (role === 'app' ? database.appUrl : database.gateUrl)
    const app = await startApp({ environment, reroute })
    running.add(app)
    apps.push(app)
  }
  return apps
}

const statusOf = async ({ request }: TestApp, token: string) =>
  (await request('GET', '/api/v1/auth/me', { token })).status
const refresh = ({ request }: TestApp, refresh_token: string) =>
  request('POST', '/api/v1/auth/refresh', { body: { refresh_token } })
const kidsOf = ({ accessToken }: Pick<Account, 'accessToken'>) => decodeProtectedHeader(accessToken).kid
const listedBy = async ({ request }: TestApp) => (await request('GET', '/.well-known/jwks.json')).body.keys
const login = async ({ request }: TestApp, email: string): Promise<string> =>
  (await request('POST', '/api/v1/auth/login', { body: { email, password } })).body.data.tokens.access_token

const ed = [newKey('EdDSA', 'ed-1'), newKey('EdDSA', 'ed-2')] as const
const ec = [newKey('ES256', 'ec-1'), newKey('ES256', 'ec-2')] as const

interface Rotation {
  /** Before, while both count, and when the old one is gone. */
  readonly steps: readonly [Environment, Environment, Environment]
  /** The kids that sign in each step. */
  readonly signs: readonly [string, string, string]
  /** What the key set lists in each step. */
  readonly lists: readonly [object[], object[], object[]]
}

const ofPairs = ([older, newer]: readonly [(typeof ed)[0], (typeof ed)[0]]): Rotation => ({
  steps: [keySet(older.closed), keySet(newer.closed, older.closed), keySet(newer.closed)],
  signs: [older.kid, newer.kid, newer.kid],
  lists: [[older.listed], [newer.listed, older.listed], [newer.listed]],
})

const rotations: Record<string, Rotation> = {
  'from one secret to the next': {
    steps: [{ JWT_SECRET: first }, { JWT_SECRET: second, JWT_PREVIOUS_SECRETS: first }, { JWT_SECRET: second }],
    signs: [kidOf(first), kidOf(second), kidOf(second)],
    lists: [[], [], []],
  },
  'from one Ed25519 key to the next': ofPairs(ed),
  'from one P-256 key to the next': ofPairs(ec),
  'from Ed25519 to P-256': ofPairs([ed[0], ec[0]]),
  'from a secret to a key pair': {
    steps: [{ JWT_SECRET: first }, { ...keySet(ed[0].closed), JWT_PREVIOUS_SECRETS: first }, keySet(ed[0].closed)],
    signs: [kidOf(first), ed[0].kid, ed[0].kid],
    lists: [[], [ed[0].listed], [ed[0].listed]],
  },
  'from a secret to a key pair beside it': {
    steps: [{ JWT_SECRET: first }, { ...keySet(ec[0].closed), JWT_SECRET: first }, keySet(ec[0].closed)],
    signs: [kidOf(first), ec[0].kid, ec[0].kid],
    lists: [[], [ec[0].listed], [ec[0].listed]],
  },
}

describe.each(Object.entries(rotations))('a rotation %s', (_name, { steps, signs, lists }) => {
  let before: TestApp
  let during: TestApp
  let after: TestApp
  beforeAll(async () => {
    const apps = await deploy(...steps)
    ;[before, during, after] = apps as [TestApp, TestApp, TestApp]
  })
  afterAll(endAll)

  it('logs nobody out: old tokens count until they are over, and new ones are signed by the new key', async () => {
    const ada = await register(before)
    expect(kidsOf(ada)).toBe(signs[0])
    expect(await statusOf(during, ada.accessToken)).toBe(200)

    const renewed = (await refresh(during, ada.refreshToken)).body.data
    expect(kidsOf({ accessToken: renewed.access_token })).toBe(signs[1])
    expect(await statusOf(during, renewed.access_token)).toBe(200)
    expect(await statusOf(after, renewed.access_token)).toBe(200)

    expect(await statusOf(after, ada.accessToken)).toBe(401)
    const again = await refresh(after, renewed.refresh_token)
    expect([again.status, kidsOf({ accessToken: again.body.data.access_token })]).toEqual([200, signs[2]])
  })

  it('lists in each step exactly the public keys that count', async () => {
    for (const [index, app] of [before, during, after].entries()) expect(await listedBy(app)).toEqual(lists[index])
  })

  it('keeps lists going: a cursor is read while the key it was signed under is known', async () => {
    const ada = await register(before)
    await login(before, ada.email)
    const token = await login(during, ada.email)
    const page = (app: TestApp, by: string, cursor?: string) =>
      app.request('GET', `/api/v1/me/sessions?limit=1${cursor ? `&cursor=${cursor}` : ''}`, { token: by })
    const old = (await page(before, ada.accessToken)).body.data
    const next = await page(during, ada.accessToken, old.next_cursor)
    expect([next.status, next.body.data.items.length]).toEqual([200, 1])
    expect(next.body.data.items[0].id).not.toBe(old.items[0].id)
    expect((await page(after, token, next.body.data.next_cursor)).status).toBe(200)
    const refused = await page(after, token, old.next_cursor)
    expect([refused.status, refused.body.error.code]).toEqual([400, 'cursor.invalid'])
  })

  it('answers a retry as before, while the key that the answer was sealed under is known', async () => {
    const send = (app: TestApp, body: object, key: string) =>
      app.request('POST', '/api/v1/auth/register', { body, headers: { 'idempotency-key': key } })
    const make = () => ({ email: `${randomUUID()}@example.org`, password, name: 'Ada' })
    const [old, oldKey] = [make(), randomUUID()]
    const first = await send(before, old, oldKey)
    const replay = await send(during, old, oldKey)
    expect([replay.status, replay.headers.get('idempotent-replay')]).toEqual([201, 'true'])
    expect(replay.body.data).toEqual(first.body.data)

    const [later, laterKey] = [make(), randomUUID()]
    const made = await send(during, later, laterKey)
    expect((await send(after, later, laterKey)).body.data).toEqual(made.body.data)

    const lost = await send(after, old, oldKey)
    expect([lost.status, lost.body.error.code]).toEqual([409, 'idempotency.key_reused'])
    expect(await after.sql('select 1 from users where email = $1', [old.email])).toHaveLength(0)
  })
})

describe('several rotations', () => {
  afterEach(endAll)

  it('may overlap: each previous secret counts', async () => {
    const [one, two, three] = (await deploy(
      { JWT_SECRET: first },
      { JWT_SECRET: second },
      { JWT_SECRET: third, JWT_PREVIOUS_SECRETS: `${second},${first}` },
    )) as [TestApp, TestApp, TestApp]
    const [ada, eve] = [await register(one), await register(two)]
    expect([await statusOf(three, ada.accessToken), await statusOf(three, eve.accessToken)]).toEqual([200, 200])
    expect(await statusOf(two, ada.accessToken)).toBe(401)
  })

  it('of servers that are replaced one by one do not disturb: a key verifies everywhere before it signs', async () => {
    const [old, prepared, rotated] = (await deploy(
      keySet(ed[0].closed),
      keySet(ed[0].closed, ed[1].closed),
      keySet(ed[1].closed, ed[0].closed),
    )) as [TestApp, TestApp, TestApp]
    const accounts = [await register(old), await register(prepared), await register(rotated)]
    expect(accounts.map(kidsOf)).toEqual(['ed-1', 'ed-1', 'ed-2'])
    for (const app of [prepared, rotated])
      for (const { accessToken } of accounts) expect(await statusOf(app, accessToken)).toBe(200)
    expect(await Promise.all(accounts.map(({ accessToken }) => statusOf(old, accessToken)))).toEqual([200, 200, 401])
  })

  it('may leave of an old key its public part, which signs nothing and opens no kept answer', async () => {
    const [before, after] = (await deploy(keySet(ec[0].closed), keySet(ec[1].closed, ec[0].open))) as [TestApp, TestApp]
    const ada = await register(before)
    expect(await statusOf(after, ada.accessToken)).toBe(200)
    expect(await listedBy(after)).toEqual([ec[1].listed, ec[0].listed])
    expect(kidsOf({ accessToken: await login(after, ada.email) })).toBe('ec-2')
    const [reversed] = (await deploy(keySet(ec[0].open, ec[1].closed))) as [TestApp]
    expect(kidsOf(await register(reversed))).toBe('ec-2')
  })

  it('end at once when a key is leaked: nothing that it signed counts, and nobody needs a new password', async () => {
    const [leaked, mended] = (await deploy({ JWT_SECRET: first }, { JWT_SECRET: second })) as [TestApp, TestApp]
    const ada = await register(leaked)
    expect(await statusOf(mended, ada.accessToken)).toBe(401)
    expect((await refresh(mended, ada.refreshToken)).status).toBe(200)
  })
})
