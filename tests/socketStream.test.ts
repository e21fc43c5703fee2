import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { Router } from '../client-sdk/index.ts'
import type { StreamEvent } from '../contract/events.ts'
import { type Account, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { RawSocket } from './support/rawSocket.ts'

interface Seen {
  readonly id: string
  readonly data: StreamEvent
}

describe.each(adapters)('the stream over a socket on %s', (adapter) => {
  let database: TestDatabase
  let app: TestApp
  let admin: Account
  const closers: (() => unknown)[] = []

  beforeAll(async () => {
    database = await createDatabase()
    app = await startApp({ adapter, database })
    admin = await registerAdmin(app)
  })
  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()))
  })
  afterAll(async () => {
    await app.close()
    await database.drop()
  })

  const urlOf = (of: TestApp) => `${of.url.replace('http', 'ws')}/trpc`
  const createMenu = (code: string, of = app) =>
    of.request('POST', '/api/v1/menus', { token: admin.accessToken, body: { code, label: code } })

  /** Follows menus by wsLink; `until` resolves when something true is seen. */
  const follow = async (connectionParams: Record<string, string>, target: () => TestApp = () => app) => {
    const seen: Seen[] = []
    const ends: unknown[] = []
    let changed = () => {}
    const client = createWSClient({
      url: () => urlOf(target()),
      WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
      retryDelayMs: () => 0,
      connectionParams,
    })
    closers.push(() => client.close())
    const trpc = createTRPCClient<Router>({ links: [wsLink({ client })] })
    const subscription = await new Promise<{ unsubscribe: () => void }>((resolve) => {
      const following = trpc.events.stream.subscribe(
        { topics: ['menu.created'] },
        {
          onStarted: () => setImmediate(() => resolve(following)),
          onData: (item) => {
            seen.push(item as unknown as Seen)
            changed()
          },
          onComplete: () => ends.push('complete'),
          onError: (error) => {
            ends.push(error.data)
            resolve(following)
          },
        },
      )
    })
    const until = async (code: string) => {
      while (!seen.some(({ data }) => data.topic === 'menu.created' && data.payload.code === code)) {
        await new Promise<void>((resolve) => {
          changed = resolve
        })
      }
    }
    const codes = () => seen.map(({ data }) => (data.topic === 'menu.created' ? data.payload.code : data.topic))
    return { seen, ends, subscription, until, codes }
  }

  it('tells events with the id to go on from', async () => {
    const { seen, until } = await follow({ token: admin.accessToken })
    const { body } = await createMenu(`told-${adapter}`)
    await until(`told-${adapter}`)
    expect(seen[0]).toMatchObject({ id: seen[0]?.data.id, data: { target: body.data.id, actor_id: admin.id } })
  })

  it('opens with a ticket', async () => {
    const issued = await app.request('POST', '/api/v1/stream/ticket', { token: admin.accessToken })
    const { until, ends } = await follow({ ticket: issued.body.data.ticket })
    await createMenu(`ticket-${adapter}`)
    await until(`ticket-${adapter}`)
    expect(ends).toEqual([])
    const again = await follow({ ticket: issued.body.data.ticket })
    expect(again.ends).toEqual([expect.objectContaining({ failure: { code: 'stream.ticket_invalid' } })])
  })

  it('moves to another instance without missing or repeating an event, and does not end', async () => {
    const first = await startApp({ adapter, database })
    let target = first
    const { until, ends, codes } = await follow({ token: admin.accessToken }, () => target)
    await createMenu(`move-0-${adapter}`, first)
    await until(`move-0-${adapter}`)
    target = app
    const closing = first.close()
    for (let n = 1; n <= 5; n++) await createMenu(`move-${n}-${adapter}`)
    await closing
    await createMenu(`move-6-${adapter}`)
    await until(`move-6-${adapter}`)
    expect(codes()).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => `move-${n}-${adapter}`))
    expect(ends).toEqual([])
  })

  it('stops when it is asked to, by the word that it has stopped', async () => {
    const socket = new RawSocket(urlOf(app), { authorization: `Bearer ${admin.accessToken}` })
    closers.push(() => socket.socket.terminate())
    await socket.open()
    const params = { path: 'events.stream', input: { topics: ['menu.created'] } }
    socket.send({ id: 1, jsonrpc: '2.0', method: 'subscription', params })
    expect(await socket.next()).toEqual({ id: 1, jsonrpc: '2.0', result: { type: 'started' } })
    await createMenu(`frame-${adapter}`)
    const frame = await socket.next()
    const { id } = frame.result
    expect(frame).toEqual({
      id: 1,
      jsonrpc: '2.0',
      result: { type: 'data', id, data: { id, data: expect.objectContaining({ id, topic: 'menu.created' }) } },
    })
    socket.send({ id: 1, method: 'subscription.stop' })
    expect(await socket.next()).toEqual({ id: 1, jsonrpc: '2.0', result: { type: 'stopped' } })
    socket.send({ id: 1, method: 'subscription', params: { ...params, lastEventId: id } })
    expect(await socket.next()).toEqual({ id: 1, result: { type: 'started' } })
    await createMenu(`again-${adapter}`)
    expect((await socket.next()).result.data.data.payload.code).toBe(`again-${adapter}`)
  })

  it('does not end for its client when the server stops, which would not follow it elsewhere', async () => {
    const stopping = await startApp({ adapter, database })
    const socket = new RawSocket(urlOf(stopping), { authorization: `Bearer ${admin.accessToken}` })
    await socket.open()
    socket.send({ id: 1, method: 'subscription', params: { path: 'events.stream', input: {} } })
    expect(await socket.next()).toMatchObject({ id: 1, result: { type: 'started' } })
    const release = await stopping.hold('lock table sessions in access exclusive mode')
    socket.send({ id: 2, method: 'query', params: { path: 'auth.me' } })
    await stopping.untilBlocked(1)
    const closing = stopping.close()
    expect(await socket.next()).toEqual({ id: null, method: 'reconnect' })
    await release()
    expect(await socket.next()).toMatchObject({ id: 2, result: { type: 'data' } })
    expect(await socket.text()).toBeNull()
    expect((await socket.closed).code).toBe(1012)
    await closing
  })

  it('ends with its session', async () => {
    const other = await registerAdmin(app)
    const { ends } = await follow({ token: other.accessToken })
    await app.request('POST', '/api/v1/auth/logout', { token: other.accessToken })
    while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(ends).toHaveLength(1)
  })
})
