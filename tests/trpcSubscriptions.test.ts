import {
  createTRPCClient,
  createWSClient,
  httpLink,
  httpSubscriptionLink,
  retryLink,
  splitLink,
  wsLink,
} from '@trpc/client'
import { EventSource } from 'eventsource'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { Router } from '../client-sdk/index.ts'
import type { StreamEvent } from '../contract/events.ts'
import { type Account, register, registerAdmin } from './support/accounts.ts'
import { type AppSettings, adapters, startApp, type TestApp } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { readScrape, total } from './support/scrape.ts'

type Trpc = ReturnType<typeof createTRPCClient<Router>>

interface Seen {
  readonly id: string
  readonly data: StreamEvent
}

/** Follows the menus; `until` resolves when enough was seen, `started` when it was begun so many times. */
const follow = (trpc: Trpc, input: { topics: readonly 'menu.created'[]; last_event_id?: string }) => {
  const seen: Seen[] = []
  let starts = 0
  let changed = () => {}
  const noted = (note: () => void) => () => {
    note()
    changed()
  }
  let subscription: { unsubscribe: () => void } | undefined
  const ended = new Promise<unknown>((resolve) => {
    subscription = trpc.events.stream.subscribe(input, {
      onStarted: noted(() => {
        starts += 1
      }),
      onData: (item) => noted(() => seen.push(item as unknown as Seen))(),
      onComplete: () => resolve('complete'),
      onError: (error) => resolve(error.data),
    })
  })
  const until = async (isEnough: () => boolean) => {
    while (!isEnough()) {
      await new Promise<void>((resolve) => {
        changed = resolve
      })
    }
  }
  return {
    seen,
    ended,
    stop: () => subscription?.unsubscribe(),
    started: (count: number) => until(() => starts >= count),
    codes: async (count: number) => {
      await until(() => seen.length >= count)
      return seen.map(({ data }) => (data.topic === 'menu.created' ? data.payload.code : data.topic))
    },
  }
}

describe.each(adapters)("tRPC's own client over %s", (adapter) => {
  let database: TestDatabase
  let app: TestApp
  let admin: Account
  let count = 0
  const closers: (() => unknown)[] = []

  beforeAll(async () => {
    database = await createDatabase()
    app = await startApp({ adapter, database })
    admin = await registerAdmin(app)
  })
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  afterAll(async () => {
    await app.close()
    await database.drop()
  })

  const start = async (settings: AppSettings) => {
    const started = await startApp({ adapter, database, ...settings })
    closers.push(started.close)
    return started
  }
  /** An EventSource that sends a header, which the browsers' cannot. */
  const withToken = (token: string) => ({
    fetch: (url: string | URL, init: { headers: Record<string, string> }) =>
      fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } } as RequestInit),
  })
  const overSse = (of: TestApp, token: string): Trpc =>
    createTRPCClient<Router>({
      links: [httpSubscriptionLink({ url: `${of.url}/trpc`, EventSource, eventSourceOptions: () => withToken(token) })],
    })
  const following = (trpc: Trpc, input: Parameters<typeof follow>[1] = { topics: ['menu.created'] }) => {
    const followed = follow(trpc, input)
    closers.push(followed.stop)
    return followed
  }
  const createMenu = async () => {
    const code = `menu-${adapter}-${count++}`
    await app.request('POST', '/api/v1/menus', { token: admin.accessToken, body: { code, label: code } })
    return code
  }
  const openStreams = async (of: TestApp) =>
    total(readScrape((await of.request('GET', '/admin/metrics')).text), 'tsforge_streams_open')

  describe('by httpSubscriptionLink', () => {
    it('gets events with the id to go on from, and leaves nothing open', async () => {
      const lone = await start({})
      const { seen, codes, started, stop } = following(overSse(lone, admin.accessToken))
      await started(1)
      expect(await codes(0)).toEqual([])
      const code = await createMenu()
      expect(await codes(1)).toEqual([code])
      expect(seen[0]?.id).toMatch(/^[0-9a-f]{8}\.\d+$/)
      expect(seen[0]?.data).toMatchObject({ id: seen[0]?.id, topic: 'menu.created', actor_id: admin.id })
      expect(await openStreams(lone)).toBe(1)
      stop()
      while ((await openStreams(lone)) > 0);
    })

    it('goes on behind the last event when a connection ends, and behind the one it is given', async () => {
      const short = await start({ environment: { STREAM_LIFETIME_SECONDS: '1' } })
      const { seen, codes, started } = following(overSse(short, admin.accessToken))
      await started(1)
      const first = await createMenu()
      await codes(1)
      while ((await openStreams(short)) > 0);
      const second = await createMenu()
      expect(await codes(2)).toEqual([first, second])
      const again = following(overSse(short, admin.accessToken), {
        topics: ['menu.created'],
        last_event_id: seen[0]?.id ?? '',
      })
      expect(await again.codes(1)).toEqual([second])
    })

    it.each([
      ['a wrong topic', 'menu.nothing', () => admin.accessToken, 400, 'validation'],
      ['a wrong token', 'menu.created', () => 'nonsense', 401, 'auth.invalid'],
    ])('is told of %s', async (_, topic, token, httpStatus, code) => {
      const { ended } = following(overSse(app, token()), { topics: [topic as 'menu.created'] })
      expect(await ended).toMatchObject({ httpStatus, path: 'events.stream', failure: { code } })
    })

    it('is told when its session ends', async () => {
      const account = await register(app)
      const { ended, started } = following(overSse(app, account.accessToken))
      await started(1)
      await app.request('POST', '/api/v1/auth/logout', { token: account.accessToken })
      expect(await ended).toMatchObject({ httpStatus: 401, failure: { code: 'auth.invalid' } })
    })

    it('opens with a ticket in the address, and draws another when the stream has ended', async () => {
      const short = await start({ environment: { STREAM_LIFETIME_SECONDS: '1' } })
      const headers = { authorization: `Bearer ${admin.accessToken}` }
      const calls = createTRPCClient<Router>({ links: [httpLink({ url: `${short.url}/trpc`, headers })] })
      const withTicket = async () => `${short.url}/trpc?ticket=${(await calls.events.ticket.mutate()).ticket}`
      const trpc = createTRPCClient<Router>({
        links: [
          retryLink({ retry: ({ error }) => error.data?.failure.code === 'stream.ticket_invalid' }),
          httpSubscriptionLink({ url: withTicket, EventSource }),
        ],
      })
      const { codes, started } = following(trpc)
      await started(1)
      const first = await createMenu()
      await codes(1)
      while ((await openStreams(short)) > 0);
      const second = await createMenu()
      expect(await codes(2)).toEqual([first, second])
    })
  })

  it('says when to come back, in words that EventSource reads and in the header', async () => {
    const full = await start({ environment: { STREAMS_MAX: '0' } })
    const headers = { authorization: `Bearer ${admin.accessToken}` }
    const reply = await fetch(`${full.url}/trpc/events.stream`, { headers })
    const seconds = Number(reply.headers.get('retry-after'))
    expect([reply.status, seconds > 0]).toEqual([200, true])
    expect(await reply.text()).toMatch(
      new RegExp(`^retry: ${seconds}000\nevent: serialized-error\ndata: .*"overloaded".*\n\n$`),
    )
  })

  describe('by wsLink', () => {
    const overSocket = (of: TestApp, token: string) => {
      const sockets: WebSocket[] = []
      class Counted extends WebSocket {
        constructor(url: string) {
          super(url)
          sockets.push(this)
        }
      }
      const client = createWSClient({
        url: `${of.url.replace('http', 'ws')}/trpc`,
        WebSocket: Counted as unknown as typeof globalThis.WebSocket,
        retryDelayMs: () => 0,
        connectionParams: { token },
      })
      closers.push(() => client.close())
      const headers = { authorization: `Bearer ${token}` }
      const trpc = createTRPCClient<Router>({
        links: [
          splitLink({
            condition: ({ type }) => type === 'subscription',
            true: wsLink({ client }),
            false: httpLink({ url: `${of.url}/trpc`, headers }),
          }),
        ],
      })
      return { trpc, sockets }
    }

    it('goes on behind the last event when its socket is cut', async () => {
      const { trpc, sockets } = overSocket(app, admin.accessToken)
      const { seen, codes, started } = following(trpc)
      await started(1)
      const codesMade = [await createMenu()]
      await codes(1)
      sockets[0]?.terminate()
      for (let n = 0; n < 3; n++) codesMade.push(await createMenu())
      expect(await codes(4)).toEqual(codesMade)
      expect(seen.every(({ id, data }) => id === data.id)).toBe(true)
      expect(sockets).toHaveLength(2)
    })

    it.each(['stop', 'cut'])('leaves nothing open on the server after a %s', async (way) => {
      const lone = await start({})
      const { trpc, sockets } = overSocket(lone, admin.accessToken)
      const { started, stop } = following(trpc)
      await started(1)
      expect(await openStreams(lone)).toBe(1)
      if (way === 'cut') sockets[0]?.terminate()
      stop()
      while ((await openStreams(lone)) > 0);
    })

    it('is told of a wrong topic', async () => {
      const { trpc } = overSocket(app, admin.accessToken)
      const { ended } = following(trpc, { topics: ['menu.nothing' as 'menu.created'] })
      expect(await ended).toMatchObject({ httpStatus: 400, failure: { code: 'validation' } })
    })
  })
})
