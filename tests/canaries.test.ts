import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { readConfig } from '../server/config.ts'
import { createLog } from '../server/log.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import {
  canary,
  digestsOf,
  fillTexts,
  findIn,
  isReference,
  secretFields,
  spellings,
  spoilTexts,
} from './support/canaries.ts'
import { dump, type Ledger, loggedOf, noteRows, openLedger, sendAll } from './support/canaryCalls.ts'
import { entries } from './support/entries.ts'
import { makeAdministrator } from './support/grants.ts'
import { ownRequest } from './support/isolationInputs.ts'
import { createWorld, type World } from './support/isolationWorld.ts'

/** What the operator hands to the server: it must show nowhere at all. */
const operators = {
  JWT_SECRET: canary() + canary(),
  JWT_PREVIOUS_SECRETS: canary() + canary(),
  ADMIN_TOKEN: canary() + canary(),
}
/** Made for each run, so that none stands anywhere by chance. */
const databasePasswords = () => {
  const { appUrl, gateUrl, ownerUrl } = inject('testServer')
  return [appUrl, gateUrl, ownerUrl].map((url) => new URL(url).password).filter((password) => password !== '')
}

/** Texts to look for, in every spelling. */
const hidden = (secrets: readonly string[]) => secrets.flatMap(spellings)

const nothing = { input: {}, canaries: [], secrets: [] }
const all = [...entries] as [string, typeof entries extends ReadonlyMap<string, infer E> ? E : never][]

/** Entries that no made-up text can open, and why. */
const beyondCanaries = {
  'auth.login': 'needs a password that counts, as below',
  'auth.refresh': 'needs a token that was issued, as below',
  'auth.changePassword': 'needs a password that counts, as below',
  'tenants.leave': 'the last owner may not',
  'tenants.addMember': 'needs the e-mail of an account',
  'apiKeys.create': 'nobody holds a made-up scope; without one, below',
  'permissions.delete': 'the one at hand is asked for by entries',
  'flags.set': 'knows the flags of the contract alone',
  'flags.clear': 'knows the flags of the contract alone',
}

/** A world of rows to call every entry in, with a person who may do everything. */
const enter = async (adapter: 'uws' | 'node') => {
  const app = await startApp({ adapter, environment: operators })
  const world = await createWorld(app)
  const [id] = world.a.personIds
  await makeAdministrator(app, { id })
  await app.sql('insert into saved.user_roles select * from user_roles where user_id = $1 and tenant_id is null', [id])
  return { app, world, ledger: openLedger() }
}

const expectSilence = (app: TestApp, ledger: Ledger) => {
  expect(loggedOf(app, ledger).slice(0, 5)).toEqual([])
  expect(ledger.echoes.slice(0, 5)).toEqual([])
  expect(findIn(app.logged.join(''), hidden([...Object.values(operators), ...databasePasswords()]))).toEqual([])
}

it('names every field of the contract that sounds like a secret', () => {
  const names = all.flatMap(([, { input }]) => Object.keys(input?.shape ?? {}))
  const sounding = names.filter((name) => /password|secret|token|key|credential|pin$|otp/i.test(name))
  expect(new Set(sounding)).toEqual(secretFields)
})

describe.each(adapters)('a canary in every input on %s', (adapter) => {
  let app: TestApp
  let world: World
  let ledger: Ledger
  beforeAll(async () => {
    ;({ app, world, ledger } = await enter(adapter))
  })
  afterAll(() => app.close())

  const own = () => ({ token: world.a.token, tenant: world.a.ids.tenants })

  it('is taken in by every entry', async () => {
    for (const [key, entry] of all) {
      const { input } = ownRequest(entry, world.a)
      const texts = fillTexts(entry, isReference)
      for (const status of await sendAll(app, ledger, [key, entry], {
        ...own(),
        ...texts,
        input: { ...input, ...texts.input },
      })) {
        expect(status, key).toBeLessThan(500)
      }
      await noteRows(app, ledger)
      if (entry.kind === 'mutation') await world.restore()
    }
    const succeeded = new Set(
      [...ledger.answers].filter((answer) => / 20\d$/.test(answer)).map((answer) => answer.split(' ')[0]),
    )
    expect(all.map(([key]) => key).filter((key) => !succeeded.has(key))).toEqual(Object.keys(beyondCanaries))
  })

  it('is refused by every entry: unknown, spoilt, not JSON, of nobody, in no tenant', async () => {
    for (const [key, entry] of all) {
      const messages = [
        { ...own(), ...fillTexts(entry) },
        ...spoilTexts(entry).map((texts) => ({ ...own(), ...texts })),
      ]
      for (const message of messages) await sendAll(app, ledger, [key, entry], message)
      const [raw, token, tenant] = [canary(), canary(), canary()]
      const secrets = [raw, token]
      await sendAll(app, ledger, [key, entry], {
        ...own(),
        ...nothing,
        raw: `{"password":"${raw}"`,
        canaries: [raw],
        secrets,
      })
      for (const bearer of [token, `tf_test_${token}`, `${token}.${token}.${token}`])
        await sendAll(app, ledger, [key, entry], { ...fillTexts(entry), token: bearer, canaries: [token], secrets })
      await sendAll(app, ledger, [key, entry], { ...own(), ...nothing, tenant, canaries: [tenant], secrets: [] })
      await noteRows(app, ledger)
      await world.restore()
    }
    const codes = [400, 401, 403, 404, 409].filter((code) =>
      [...ledger.answers].some((answer) => answer.endsWith(` ${code}`)),
    )
    expect(codes).toEqual([400, 401, 403, 404, 409])
  })

  it('shows in no log line and no refusal, and no secret in a row', async () => {
    expect(app.logged.length).toBeGreaterThan(1_000)
    expectSilence(app, ledger)
    // What is there to be kept was found, so the search sees.
    expect(
      [...ledger.sent].filter((text) => ledger.stored.has(text) && !ledger.secrets.has(text)).length,
    ).toBeGreaterThan(20)
    expect([...ledger.secrets].filter((text) => ledger.stored.has(text))).toEqual([])
  })
})

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe.each(adapters)('the secrets of people and operators on %s', (adapter) => {
  let app: TestApp
  const [password, next, wrong] = [canary(), canary(), canary()]
  const issued = { access: new Set<string>(), refresh: new Set<string>(), keys: new Set<string>() }
  const refusals: string[] = []
  beforeAll(async () => {
    app = await startApp({ adapter, environment: operators })
  })
  afterAll(() => app.close())

  /** Each call twice under one key, so that its answer is kept and sent again. */
  const post = async (path: string, body: object, token?: string) => {
    const headers = { 'idempotency-key': randomUUID() }
    const send = () =>
      app.request('POST', `/api/v1${path}`, { body, headers, ...(token === undefined ? {} : { token }) })
    const [reply] = [await send(), await send()]
    if (reply.status >= 400) refusals.push(`${JSON.stringify([...reply.headers])}${reply.text}`)
    const { access_token: access, refresh_token: refresh } = reply.body?.data?.tokens ?? reply.body?.data ?? {}
    if (access) issued.access.add(access)
    if (refresh) issued.refresh.add(refresh)
    return { ...reply, access: access as string, refresh: refresh as string }
  }

  it('are used in every way: right, wrong, again, and too late', async () => {
    const email = `${randomUUID()}@example.org`
    const made = await post('/auth/register', { email, password, name: 'Ada' })
    const signedIn = await post('/auth/login', { email, password })
    const renewed = await post('/auth/refresh', { refresh_token: signedIn.refresh })
    expect([made.status, signedIn.status, renewed.status]).toEqual([201, 200, 200])
    const key = await post('/api-keys', { name: 'export', scopes: [] }, made.access)
    issued.keys.add(key.body.data.plaintext)
    expect((await app.request('GET', '/api/v1/auth/me', { token: key.body.data.plaintext })).status).toBe(200)
    const change = { current_password: password, new_password: next }
    const refused = [
      await post('/auth/register', { email, password, name: 'Ada' }),
      await post('/auth/login', { email, password: wrong }),
      await post('/auth/refresh', { refresh_token: signedIn.refresh }),
      await post('/auth/password', { current_password: wrong, new_password: next }, made.access),
      await post('/auth/password', change, key.body.data.plaintext),
      await post('/auth/password', change, renewed.access),
      await post('/auth/password', change, made.access),
      await post('/auth/logout', {}, made.access),
      await post('/auth/password', change, made.access),
    ]
    expect(refused.map(({ status }) => status)).toEqual([409, 401, 401, 401, 403, 401, 204, 204, 401])
    expect((await post('/auth/login', { email, password: next })).status).toBe(200)
  })

  const everything = () => [password, next, wrong, ...issued.access, ...issued.refresh, ...Object.values(operators)]

  it('are not in any row, as text or as bytes, but as the hashes that are promised', async () => {
    const rows = await dump(app)
    const secretParts = [...issued.keys].map((key) => key.slice(key.lastIndexOf('_') + 1))
    const needles = [...everything(), ...secretParts, ...[...issued.refresh].map((token) => token.slice(3))]
    expect(findIn(rows, [...hidden(needles), ...[password, next, wrong].flatMap(digestsOf)])).toEqual([])
    for (const token of [...issued.refresh, ...issued.keys]) expect(rows).toContain(sha256(token))
    for (const { password_hash } of await app.sql('select password_hash from users')) {
      expect(password_hash).toMatch(/^\$argon2id\$/)
    }
  })

  it('are sealed in answers that are kept', async () => {
    const kept = await app.sql('select answer from idempotency_keys where length(answer) > 0')
    expect(kept.length).toBeGreaterThan(4)
    for (const { answer } of kept) expect(() => JSON.parse(String(answer))).toThrow()
  })

  it('are in no log line and no refusal', () => {
    expect(refusals.length).toBeGreaterThan(5)
    const needles = hidden([...everything(), ...issued.keys, ...databasePasswords()])
    expect(findIn([...app.logged, ...refusals].join(''), needles)).toEqual([])
  })

  it('are in no answer to probes, operators and strangers', async () => {
    const paths = [
      '/healthz',
      '/livez',
      '/readyz',
      '/.well-known/jwks.json',
      '/openapi.json',
      '/docs',
      '/admin/healthz',
      '/admin/modules',
      '/admin/metrics',
    ]
    const replies = await Promise.all(
      paths.flatMap((path) =>
        [{}, { 'x-admin-token': operators.ADMIN_TOKEN }, { 'x-admin-token': wrong }].map((headers) =>
          app.request('GET', path, { headers }),
        ),
      ),
    )
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(15)
    const texts = replies.map(({ text, headers }) => `${text}${JSON.stringify([...headers])}`).join('')
    expect(findIn(texts, hidden([...everything(), ...issued.keys, ...databasePasswords()]))).toEqual([])
  })
})

const everyTable = (statement: string) => `
  do $$ declare name text; begin
    for name in select tablename from pg_tables where schemaname = 'public' loop execute format('${statement}', name); end loop;
  end $$`

/** What goes wrong in a database, and the SQLSTATE by which the log knows it. */
const faults: Readonly<Record<string, readonly [code: string, sql: string]>> = {
  'a missing grant': ['42501', 'revoke all on all tables in schema public from app'],
  'a missing grant of the gate': ['42501', 'revoke all on all tables in schema public from gate'],
  'a column of another type': [
    '22P02',
    ['menus.label', 'roles.name', 'tenants.name', 'permissions.description', 'users.name']
      .map((column) => column.split('.'))
      .map(([table, name]) => `alter table ${table} alter ${name} drop default, alter ${name} type integer using 0`)
      .join(';'),
  ],
  'a constraint that nothing meets': [
    '23514',
    everyTable('alter table %I add constraint never check (false) not valid'),
  ],
  'a trigger that tells the row': [
    'P0001',
    `create function tell() returns trigger language plpgsql as $f$ begin raise exception 'no: %', new; end $f$;
    ${everyTable('create trigger tell before insert or update on %I for each row execute function tell()')}`,
  ],
  'a missing table': ['42P01', everyTable('alter table %1$I rename to gone_%1$s')],
}

/** What ends the session of the caller comes last. */
const lastingSession = [...all].sort(([a], [b]) => Number(a === 'auth.logout') - Number(b === 'auth.logout'))

describe.each(adapters)('a fault of the database on %s', (adapter) => {
  it.each(Object.entries(faults))('tells nobody what was sent: %s', async (_name, [code, sql]) => {
    const { app, world, ledger } = await enter(adapter)
    try {
      await app.sql(sql)
      for (const [key, entry] of lastingSession) {
        const { input, tenant } = ownRequest(entry, world.a)
        const texts = fillTexts(entry, isReference)
        const message = { token: world.a.token, tenant, ...texts, input: { ...input, ...texts.input } }
        await sendAll(app, ledger, [key, entry], message)
      }
      expect([...ledger.answers].filter((answer) => answer.endsWith(' 500')).length).toBeGreaterThan(5)
      expect(app.logged.some((line) => line.includes(`"code":"${code}"`))).toBe(true)
      expectSilence(app, ledger)
    } finally {
      await app.close()
    }
  })
})

describe('the log itself', () => {
  it('hides what stands under the name of a secret, however deep, and takes no error at its word', async () => {
    const lines: string[] = []
    const config = readConfig({ NODE_ENV: 'test', LOG_LEVEL: 'trace' }, () => canary() + canary())
    const log = await createLog(config, { write: (line) => void lines.push(line) })
    const secret = canary()
    const failed = Object.assign(new Error(`invalid input syntax for type uuid: "${secret}"\n"`), {
      code: '22P02',
      detail: secret,
      where: secret,
      parameters: [secret],
    })
    const wrapped = new Error(`Failed query: select $1\nparams: ${secret}`, { cause: failed })
    const names = [
      'password',
      'currentPassword',
      'password_hash',
      'refreshToken',
      'access_token',
      'Authorization',
      'set-cookie',
      'x-admin-token',
      'ADMIN_TOKEN',
      'jwtSecret',
      'JWT_PREVIOUS_SECRETS',
      'idempotency-key',
      'idempotencyKey',
      'apiKey',
      'key_hash',
      'plaintext',
    ]
    for (const name of names) {
      const field = { [name]: secret }
      for (const value of [
        field,
        { a: field },
        { a: [field] },
        { a: [[field, { b: field }]] },
        { a: { b: { c: { d: { e: { f: field } } } } } },
      ])
        log.error(value, 'said')
    }
    for (const err of [failed, wrapped])
      for (const value of [{ err }, { error: err }, { a: { err } }, { list: [err] }]) log.error(value, 'failed')
    log.error({ err: secret }, 'thrown')
    expect(lines).toHaveLength(names.length * 5 + 9)
    expect(lines.filter((line) => line.includes(secret))).toEqual([])
    expect(lines.at(-9)).toContain('invalid input syntax for type uuid: \\"…\\"')
  })
})
