import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../client-sdk/clock.ts'
import {
  type Client,
  type ClientOptions,
  createClient,
  type Inputs,
  memoryStore,
  type Outputs,
  type StreamOptions,
} from '../client-sdk/index.ts'
import { freePort } from '../db/embedded/freePort.ts'
import { type AppSettings, adapters, startApp, type TestApp } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { grant, makeAdministrator } from './support/grants.ts'
import { readScrape, total } from './support/scrape.ts'

type Item = Outputs['events']['stream']

/** Waits as the client's clock does, but hardly. */
const clock = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 20), signal),
}

describe.each(adapters)('a stream of the client over %s', (adapter) => {
  let database: TestDatabase
  let app: TestApp
  let admin: Client
  const closers: (() => unknown)[] = []

  const start = async (settings: AppSettings = {}) => {
    const started = await startApp({ adapter, database, ...settings })
    let isOpen = true
    const close = async () => {
      if (isOpen) await started.close()
      isOpen = false
    }
    closers.push(close)
    return { ...started, close }
  }
  const clientOf = (of: TestApp, options: Partial<ClientOptions> = {}) =>
    createClient({ url: of.url, clock, ...options })
  const account = () => ({ email: `${randomUUID()}@example.org`, password: 'correct horse battery', name: 'Ada' })
  const signedIn = async (of: TestApp, options: Partial<ClientOptions> = {}) => {
    const session = memoryStore()
    const client = clientOf(of, { session, ...options })
    const { user } = await client.auth.register(account())
    return { client, session, user }
  }

  beforeAll(async () => {
    database = await createDatabase()
    app = await startApp({ adapter, database })
    const { client, user } = await signedIn(app)
    await makeAdministrator(app, user)
    admin = client
  })
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  afterAll(async () => {
    await app.close()
    await database.drop()
  })

  /** Resolves when the stream is open; `next` then reads on. `opened(n)` resolves when it was opened n times. */
  const follow = async (client: Client, input: Inputs['events']['stream'], options: StreamOptions = {}) => {
    let count = 0
    let changed = () => {}
    const onOpen = () => {
      count += 1
      changed()
    }
    const iterator = client.events.stream(input, { ...options, onOpen })[Symbol.asyncIterator]()
    closers.push(() => iterator.return?.())
    const first = iterator.next()
    let isFirst = true
    const next = async (): Promise<Item | undefined> => {
      const { value, done } = await (isFirst ? first : iterator.next())
      isFirst = false
      return done ? undefined : value
    }
    const opened = async (times: number) => {
      while (count < times) {
        await new Promise<void>((resolve) => {
          changed = resolve
        })
      }
    }
    await Promise.race([opened(1), first])
    return { next, opened, iterator }
  }
  const createMenu = (code: string) => admin.menus.create({ code: `${code}-${adapter}`, label: code })
  const codeOf = (item: Item | undefined) => (item?.topic === 'menu.created' ? item.payload.label : item?.topic)
  const codes = async (next: () => Promise<Item | undefined>, count: number) => {
    const seen: (string | undefined)[] = []
    while (seen.length < count) seen.push(codeOf(await next()))
    return seen
  }
  const menus = { topics: ['menu.created' as const] }
  const numbered = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}-${n}`)
  const createAll = async (names: readonly string[]) => {
    for (const name of names) await createMenu(name)
  }

  it('tells events as they happen, in order, to a caller who takes its time', async () => {
    const { next } = await follow(admin, menus)
    const names = numbered('told', 20)
    const first = await createMenu('first')
    expect(await next()).toMatchObject({ topic: 'menu.created', target: first.id, payload: { label: 'first' } })
    await createAll(names)
    expect(await codes(next, 20)).toEqual(names)
  })

  it('goes on without a hole or a repeat when its server starts anew', async () => {
    const environment = { PORT: String(await freePort()) }
    const first = await start({ environment })
    const mine = clientOf(first, { apiKey: (await admin.apiKeys.create({ name: 'k', scopes: ['*'] })).plaintext })
    const { next, opened } = await follow(mine, menus)
    await createAll(['before-0', 'before-1'])
    expect(await codes(next, 1)).toEqual(['before-0'])
    await first.close()
    await createAll(['away-0', 'away-1'])
    const rest = codes(next, 4)
    await start({ environment })
    await opened(2)
    await createAll(['after-0'])
    expect(await rest).toEqual(['before-1', 'away-0', 'away-1', 'after-0'])
  })

  it('goes on behind the id that its caller kept, and tells of a gap where there is none', async () => {
    const kept = await follow(admin, menus)
    await createAll(numbered('kept', 3))
    const item = await kept.next()
    await kept.iterator.return?.()
    const again = await follow(admin, menus, { lastEventId: item?.id ?? '' })
    expect(await codes(again.next, 2)).toEqual(['kept-1', 'kept-2'])
    const lost = await follow(admin, menus, { lastEventId: 'ffffffff.9' })
    expect(await lost.next()).toMatchObject({ topic: 'gap', from: 'ffffffff.9' })
    await createMenu('behind')
    expect(await codes(lost.next, 1)).toEqual(['behind'])
  })

  it('outlives the lifetime of its connections and of its token', async () => {
    const short = await start({ environment: { STREAM_LIFETIME_SECONDS: '1' } })
    const { client, session, user } = await signedIn(short)
    await makeAdministrator(short, user)
    const { next, opened } = await follow(client, menus)
    const tokens = await session.read()
    short.setTime(new Date(Date.now() + 2 * 3_600_000))
    const waiting = next()
    await opened(2)
    await createMenu('outlived')
    expect(codeOf(await waiting)).toBe('outlived')
    expect((await session.read())?.access_token).not.toBe(tokens?.access_token)
  })

  it('ends with a failure when its person signs out, here or elsewhere', async () => {
    const { client } = await signedIn(app)
    const here = await follow(client, {})
    await client.auth.logout()
    const untilEnd = async () => {
      while (await here.next());
    }
    await expect(untilEnd()).rejects.toMatchObject({ name: 'ClientFailure', code: 'auth.invalid', status: 401 })

    const onSignedOut = vi.fn()
    const other = await signedIn(app, { onSignedOut })
    const there = await follow(other.client, menus)
    await app.sql('update sessions set expires_at = now() where user_id = $1', [other.user.id])
    await expect(there.next()).rejects.toMatchObject({ name: 'ClientFailure', status: 401 })
    expect(onSignedOut).toHaveBeenCalledOnce()
  })

  it('ends with a failure when its tenant is closed to its reader', async () => {
    const [owner, member] = [await signedIn(app), await signedIn(app)]
    const tenant = await owner.client.tenants.create({ slug: `s-${owner.user.id.slice(-8)}`, name: 'S' })
    await owner.client.tenants.addMember({ id: tenant.id, email: member.user.email })
    await grant(app, member.user, { permissions: ['events.read'], tenant })
    const { next } = await follow(member.client, { topics: ['tenant.updated'] }, { tenantId: tenant.id })
    await owner.client.tenants.update({ id: tenant.id, name: 'S2' })
    expect(await next()).toMatchObject({ topic: 'tenant.updated', tenant_id: tenant.id, payload: { name: 'S2' } })
    await owner.client.tenants.removeMember({ id: tenant.id, user_id: member.user.id })
    await expect(next()).rejects.toMatchObject({ code: 'tenant.forbidden', status: 403 })
  })

  it('ends with a failure on a topic that does not exist, and without credentials', async () => {
    const wrong = admin.events.stream({ topics: ['menu.nothing' as 'menu.created'] })[Symbol.asyncIterator]()
    await expect(wrong.next()).rejects.toMatchObject({ code: 'validation', status: 400, requestId: expect.any(String) })
    const anonymous = clientOf(app).events.stream()[Symbol.asyncIterator]()
    await expect(anonymous.next()).rejects.toMatchObject({ code: 'auth.missing_token', status: 401 })
  })

  it.each(['break', 'abort'])('leaves nothing open on the server after %s', async (way) => {
    const lone = await start()
    const controller = new AbortController()
    const { client } = await signedIn(lone)
    let events = 0
    for await (const _ of client.events.stream(
      {},
      { signal: controller.signal, onOpen: () => void client.events.ticket() },
    )) {
      events += 1
      if (way === 'break') break
      controller.abort()
    }
    expect(events).toBe(1)
    const open = async () =>
      total(readScrape((await lone.request('GET', '/admin/metrics')).text), 'tsforge_streams_open')
    while ((await open()) > 0);
  })
})
