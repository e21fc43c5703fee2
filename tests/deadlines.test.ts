import { randomUUID } from 'node:crypto'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { mutation } from '../contract/core.ts'
import type { RequestHead, Services } from '../server/context.ts'
import { createDeadlines } from '../server/platform/deadlines.ts'
import { createProcedures } from '../server/rpc/modules.ts'
import { type Account, password, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import type { Reply } from './support/request.ts'
import { mutate } from './support/trpcCall.ts'

const connections = 4
const tooLate = { code: 'deadline_exceeded', message: 'The call took too long and was stopped.' }

describe.each(adapters)('a call that takes longer than REQUEST_TIMEOUT_SECONDS on %s', (adapter) => {
  let app: TestApp
  let account: Account
  beforeAll(async () => {
    app = await startApp({
      adapter,
      environment: { REQUEST_TIMEOUT_SECONDS: '1', DATABASE_MAX_CONNECTIONS: String(connections) },
    })
    account = await register(app)
  })
  afterAll(() => app.close())

  const found = (slug: string, key?: string) =>
    app.request('POST', '/api/v1/tenants', {
      token: account.accessToken,
      body: { name: 'Acme', slug },
      headers: key === undefined ? {} : { 'idempotency-key': key },
    })
  const newSlug = () => `t-${randomUUID()}`
  const foundedAs = async (slug: string) =>
    Number((await app.sql('select count(*) from tenants where slug = $1', [slug]))[0]?.count)
  const blockTenants = () => app.hold('lock table tenants in access exclusive mode')
  const expectTooLate = ({ status, body, headers }: Reply) =>
    expect([status, body.error, headers.get('retry-after')]).toEqual([503, tooLate, '1'])
  /** Resolves when no statement on this database waits for a lock any more. */
  const untilNothingWaits = async () => {
    const waiting = `select 1 from pg_locks join pg_stat_activity using (pid)
      where not granted and datname = current_database()`
    while ((await app.sql(waiting)).length > 0);
  }

  it('is stopped in PostgreSQL, leaves nothing behind, and its repeated key is carried out', async () => {
    const [slug, key] = [newSlug(), randomUUID()]
    const release = await blockTenants()
    expectTooLate(await found(slug, key))
    // The lock is still held: what waited for it no longer does.
    await untilNothingWaits()
    await release()
    expect([await foundedAs(slug), await app.sql('select 1 from idempotency_keys')]).toEqual([0, []])
    const again = await found(slug, key)
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([201, null])
  })

  it('is told so over tRPC too', async () => {
    const release = await blockTenants()
    const { status, body, headers } = await mutate(
      app,
      'tenants.create',
      { name: 'Acme', slug: newSlug() },
      { token: account.accessToken },
    )
    await release()
    expect([status, body.error.data.failure, headers.get('retry-after')]).toEqual([
      503,
      { code: 'deadline_exceeded' },
      '1',
    ])
  })

  it.each([
    ['in a bucket', 'tenants', '/api/v1/tenants'],
    ['outside of any', 'api_keys', '/api/v1/api-keys'],
  ])('is stopped when it only reads, %s', async (_where, table, path) => {
    const release = await app.hold(`lock table ${table} in access exclusive mode`)
    expectTooLate(await app.request('GET', path, { token: account.accessToken }))
    await untilNothingWaits()
    await release()
    expect((await app.request('GET', path, { token: account.accessToken })).status).toBe(200)
  })

  it('gives its connection back, also one that it only waited for', async () => {
    const release = await blockTenants()
    const slugs = Array.from({ length: 3 * connections }, newSlug)
    for (const reply of await Promise.all(slugs.map((slug) => found(slug)))) expectTooLate(reply)
    await release()
    const { app: stats } = app.pools
    while (stats().idle !== stats().total || stats().waiting > 0) await new Promise(setImmediate)
    expect(await app.sql('select 1 from tenants where slug = any($1)', [slugs])).toEqual([])
    const replies = await Promise.all(slugs.map((slug) => found(slug)))
    expect(replies.map(({ status }) => status)).toEqual(slugs.map(() => 201))
  })

  it('is let finish when its COMMIT is on the way', async () => {
    await app.sql(`
      create function wait_for_eight() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(8); return new; end $$;
      create constraint trigger wait_for_eight after insert on users deferrable initially deferred
        for each row execute function wait_for_eight()`)
    const release = await app.hold('select pg_advisory_xact_lock(8)')
    const body = { email: `${randomUUID()}@example.org`, password, name: 'Ada' }
    const committing = app.request('POST', '/api/v1/auth/register', { body })
    await app.untilBlocked(1)
    // A call that began later is over before: so the time of the first is up.
    const unblock = await blockTenants()
    expectTooLate(await found(newSlug()))
    await unblock()
    await app.untilBlocked(1)
    await release()
    expect((await committing).status).toBe(201)
    await app.sql('drop function wait_for_eight cascade')
  })
})

describe('the deadline of an entry', () => {
  const rules = {
    summary: 'Waits.',
    access: 'public',
    rate: 'write',
    tenancy: 'none',
    idempotency: 'none',
    output: z.object({ done: z.boolean() }),
  } as const
  const never = new Promise<never>(() => {})
  const settled: string[] = []
  const toy = {
    hasty: mutation({ ...rules, http: ['POST', '/api/v1/hasty'], deadlineSeconds: 0.05 }),
    patient: mutation({ ...rules, http: ['POST', '/api/v1/patient'] }),
    reader: mutation({ ...rules, http: ['POST', '/api/v1/reader'], deadlineSeconds: 0.05 }),
    stubborn: mutation({ ...rules, http: ['POST', '/api/v1/stubborn'], deadlineSeconds: 0.05 }),
  }
  let goOn = () => {}
  const handlers = {
    hasty: () => never,
    patient: async () => ({ done: true }),
    reader: async () => ({ done: true }),
    stubborn: async ({ transaction }: { transaction: (work: () => Promise<void>) => Promise<void> }) => {
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      await transaction(async () => void settled.push('written')).catch((error: Error) => settled.push(error.name))
      return { done: true }
    },
  }
  const deadlines = createDeadlines(600)
  afterAll(() => deadlines.close())
  const procedures = createProcedures([{ name: 'toy', contract: toy, handlers }], {
    services: { database: {} } as unknown as Services,
    gates: [],
    deadlines,
    load: { hasRoom: () => true, noteRefused: () => {} },
    transact: async ({ call }, work) => {
      call.cancellation.begin({} as never)
      return work({} as never)
    },
  })
  const head = { log: pino({ level: 'silent' }) } as unknown as RequestHead
  const call = async (name: keyof typeof toy, readInput: () => unknown = () => ({})) => {
    const procedure = procedures.find(({ path }) => path === `toy.${name}`)
    return procedure?.call(head, readInput).catch((failure: { code: string }) => failure.code)
  }

  it('counts in place of the common one', async () => {
    expect(await call('hasty')).toBe('deadline_exceeded')
    expect(await call('patient')).toMatchObject({ data: { done: true } })
  })

  it('does not run while the body arrives', async () => {
    let arrive: (input: object) => void = () => {}
    const reading = call(
      'reader',
      () =>
        new Promise((resolve) => {
          arrive = resolve
        }),
    )
    expect(await call('hasty')).toBe('deadline_exceeded')
    arrive({})
    expect(await reading).toMatchObject({ data: { done: true } })
  })

  it('keeps what runs on from beginning a transaction', async () => {
    expect(await call('stubborn')).toBe('deadline_exceeded')
    goOn()
    await new Promise(setImmediate)
    expect(settled).toEqual(['Cancelled'])
  })
})

it('deadlines are found whichever ends first, each once, and again when it cannot be ended yet', async () => {
  const deadlines = createDeadlines(0)
  const told: number[] = []
  let mayEnd = false
  const begun = [0, 1, 2, 3, 4, 5].map((id) =>
    deadlines.begin({
      expire() {
        if (id === 5 && !mayEnd) return false
        told.push(id)
        return true
      },
    }),
  )
  expect(deadlines.running()).toBe(6)
  begun[0]?.end()
  begun[3]?.end()
  begun[3]?.end()
  expect(deadlines.running()).toBe(4)
  await expect.poll(() => told.toSorted()).toEqual([1, 2, 4])
  expect(deadlines.running()).toBe(1)
  for (const deadline of begun.slice(0, 5)) deadline.end()
  expect(deadlines.running()).toBe(1)
  mayEnd = true
  await expect.poll(() => told).toHaveLength(4)
  expect(deadlines.running()).toBe(0)
  deadlines.close()
})
