import { randomUUID } from 'node:crypto'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { Router } from '../client-sdk/index.ts'
import { type Account, password, register, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { type Collector, type Received, startCollector } from './support/collector.ts'
import { menuConsumer, moduleOf } from './support/consumerScene.ts'
import { openSse } from './support/sse.ts'
import { mutate } from './support/trpcCall.ts'

const secretHeader = 'a-secret-of-the-collector'
const newTraceparent = (flags = '01') => {
  const traceId = randomUUID().replaceAll('-', '')
  const spanId = randomUUID().replaceAll('-', '').slice(0, 16)
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` }
}

describe.each(adapters)('tracing on %s', (adapter) => {
  let collector: Collector
  let app: TestApp
  let admin: Account

  beforeAll(async () => {
    collector = await startCollector()
    app = await startApp({
      adapter,
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${secretHeader}`,
        OTEL_SERVICE_NAME: 'shop',
      },
      modules: [
        moduleOf({
          consumers: [
            menuConsumer(async (event, { transaction }) => {
              await transaction(async (tx) => tx.execute(`select '${event.target}'::text`))
            }),
          ],
        }),
      ],
    })
    admin = await registerAdmin(app)
  })
  afterAll(async () => {
    await app.close()
    await collector.close()
  })

  const createMenu = (headers: Record<string, string>, label = 'Orders') =>
    app.request('POST', '/api/v1/menus', { token: admin.accessToken, body: { code: randomUUID(), label }, headers })
  const ofTrace = (traceId: string) => collector.spans.filter((span) => span.traceId === traceId)
  const rootOf = (traceId: string) => collector.span((span) => span.traceId === traceId && span.kind === 2)
  const handled = (traceId: string) => collector.span((span) => span.traceId === traceId && span.kind === 5)

  it('shows a mutation with its event and its consumer as one tree', async () => {
    const { traceId, spanId, traceparent } = newTraceparent()
    const { status } = await createMenu({ traceparent, tracestate: 'rojo=00f067aa0ba902b7' })
    expect(status).toBe(201)
    await handled(traceId)
    const spans = ofTrace(traceId)
    const root = await rootOf(traceId)
    expect(root).toMatchObject({
      name: 'POST /api/v1/menus',
      parentSpanId: spanId,
      traceState: 'rojo=00f067aa0ba902b7',
    })
    expect(root.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/api/v1/menus',
      'http.response.status_code': 201,
      'user.id': admin.id,
    })
    const only = (name: string, under: Received): Received => {
      const found = spans.filter((span) => span.name === name && span.parentSpanId === under.spanId)
      expect(found, name).toHaveLength(1)
      return found[0] as Received
    }
    const procedure = only('menus.create', root)
    const gates = only('gates', procedure)
    expect(spans.some(({ name, parentSpanId }) => name.startsWith('SELECT') && parentSpanId === gates.spanId)).toBe(
      true,
    )
    const transaction = only('transaction', procedure)
    expect(only('INSERT menus', transaction).attributes).toMatchObject({
      'db.system.name': 'postgresql',
      'db.operation.name': 'INSERT',
      'db.collection.name': 'menus',
    })
    only('COMMIT', transaction)
    const event = only('record menu.created', transaction)
    expect(event.kind).toBe(4)
    only('INSERT events', event)
    const consumer = only('handle menu.created', event)
    expect(consumer.links).toEqual([expect.objectContaining({ traceId, spanId: event.spanId })])
    expect(consumer.attributes).toMatchObject({
      'messaging.operation.type': 'process',
      'messaging.consumer.group.name': 'test.menus',
      'messaging.destination.name': 'menu.created',
    })
    only('COMMIT', only('transaction', consumer))
    for (const span of spans) expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true)
  })

  it('begins a trace of its own for a malformed header, and says so in the log', async () => {
    const { traceId, spanId } = newTraceparent()
    const requestId = randomUUID()
    await createMenu({ traceparent: `ff-${traceId}-${spanId}-01`, 'x-request-id': requestId })
    const root = await collector.span(({ attributes }) => attributes['tsforge.request_id'] === requestId)
    expect(root.traceId).not.toBe(traceId)
    expect(root.parentSpanId ?? '').toBe('')
    const [line] = app.logged.filter((one) => one.includes(requestId) && one.includes('"request"'))
    expect(JSON.parse(line ?? '{}').trace_id).toBe(root.traceId)
  })

  it('keeps nothing of a trace that its caller does not sample, and passes that on', async () => {
    const quiet = newTraceparent('00')
    await createMenu({ traceparent: quiet.traceparent })
    const later = newTraceparent()
    await createMenu({ traceparent: later.traceparent })
    await handled(later.traceId)
    expect(ofTrace(quiet.traceId)).toEqual([])
    const [row] = await app.sql(`select traceparent from events where traceparent like '00-${quiet.traceId}-%-00'`)
    expect(row).toBeDefined()
  })

  it('tells refusals from failures', async () => {
    const { traceId, traceparent } = newTraceparent()
    await app.request('GET', '/api/v1/menus', { headers: { traceparent } })
    const root = await rootOf(traceId)
    expect(root.attributes['http.response.status_code']).toBe(401)
    expect(root.status.code).toBe(0)
    const gates = ofTrace(traceId).find(({ name }) => name === 'gates')
    expect(gates?.attributes['error.type']).toBe('auth.missing_token')
    expect(gates?.status.code).toBe(0)
  })

  it('gives every call its share of a read that several made together', async () => {
    const traces = Array.from({ length: 8 }, () => newTraceparent())
    await Promise.all(
      traces.map(({ traceparent }) =>
        app.request('GET', '/api/v1/auth/me', { token: admin.accessToken, headers: { traceparent } }),
      ),
    )
    for (const { traceId } of traces) {
      await rootOf(traceId)
      const gates = ofTrace(traceId).find(({ name }) => name === 'gates')
      const reads = ofTrace(traceId).filter(({ parentSpanId, kind }) => kind === 3 && parentSpanId === gates?.spanId)
      expect(reads).toHaveLength(1)
    }
  })

  it('shows the calls of a tRPC batch beside each other', async () => {
    const { traceId, traceparent } = newTraceparent()
    await fetch(`${app.url}/trpc/auth.me,menus.list?batch=1`, {
      headers: { traceparent, authorization: `Bearer ${admin.accessToken}` },
    })
    const root = await rootOf(traceId)
    const calls = ofTrace(traceId).filter(({ parentSpanId }) => parentSpanId === root.spanId)
    expect(calls.map(({ name }) => name).sort()).toEqual(['auth.me', 'menus.list'])
  })

  it('ends the span of a stream when it has begun', async () => {
    const { traceId, traceparent } = newTraceparent()
    const headers = { traceparent, authorization: `Bearer ${admin.accessToken}` }
    const stream = await openSse(`${app.url}/api/v1/stream`, headers)
    const root = await rootOf(traceId)
    expect(root.attributes['http.response.status_code']).toBe(200)
    stream.close()
  })

  it('makes each call on a socket a trace, linked to the handshake', async () => {
    const client = createWSClient({
      url: `${app.url.replace('http', 'ws')}/trpc`,
      WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
      connectionParams: () => ({ token: admin.accessToken }),
    })
    await createTRPCClient<Router>({ links: [wsLink({ client })] }).auth.me.query()
    const call = await collector.span(({ name, kind }) => name === 'auth.me' && kind === 2)
    const [link] = call.links
    const handshake = await collector.span(({ spanId }) => spanId === link?.spanId)
    expect(handshake).toMatchObject({ name: 'GET /trpc', traceId: link?.traceId })
    expect(handshake.attributes['http.response.status_code']).toBe(101)
    expect(call.traceId).not.toBe(handshake.traceId)
    await client.close()
  })

  it('shows a run of a duty', async () => {
    await app.sql('delete from duties')
    await app.duties.look()
    const duty = await collector.span(({ name }) => name.startsWith('duty '))
    expect(duty.kind).toBe(1)
  })

  it('leaves probes out', async () => {
    await app.request('GET', '/healthz')
    const { traceId, traceparent } = newTraceparent()
    await app.request('GET', '/api/v1/auth/me', { headers: { traceparent } })
    await rootOf(traceId)
    expect(collector.spans.filter(({ name }) => name.includes('healthz'))).toEqual([])
  })

  it('holds no secret, no value and no header', async () => {
    const someone = await register(app)
    const label = `label-${randomUUID()}`
    const { traceId, traceparent } = newTraceparent()
    const key = `key-${randomUUID()}`
    const { body } = await createMenu({ traceparent, 'idempotency-key': key, 'user-agent': 'agent-of-mine' }, label)
    await mutate(app, 'auth.login', { email: someone.email, password })
    await app.request('GET', `/api/v1/menus/${body.data.id}?ticket=tick-secret`, { token: admin.accessToken })
    await handled(traceId)
    const { traceId: last, traceparent: lastParent } = newTraceparent()
    await app.request('GET', '/api/v1/auth/me', { headers: { traceparent: lastParent } })
    await rootOf(last)
    const sent = collector.texts.join('\n')
    const hidden = [
      ...[label, key, 'agent-of-mine', password, someone.email, 'tick-secret', secretHeader, body.data.id],
      ...[admin.accessToken, admin.refreshToken, someone.accessToken, someone.refreshToken],
    ]
    for (const value of hidden) expect(sent.includes(value), value).toBe(false)
  })

  it('sends the service and its own headers, in the form of OTLP over HTTP', async () => {
    await createMenu({})
    await collector.span(({ name }) => name === 'POST /api/v1/menus')
    expect(collector.requests[0]?.url).toBe('/v1/traces')
    expect(collector.requests[0]?.headers['x-api-key']).toBe(secretHeader)
    expect(collector.resources[0]).toMatchObject({ 'service.name': 'shop', 'service.version': '0.0.0' })
  })
})

describe('a collector', () => {
  it('gets what waits when the server stops', async () => {
    const collector = await startCollector()
    const app = await startApp({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } })
    await register(app)
    await app.close()
    expect(collector.spans.map(({ name }) => name)).toContain('POST /api/v1/auth/register')
    await collector.close()
  })

  it.each(['refuse', 'stall'] as const)('that does %s costs a line of the log, and no stop', async (answer) => {
    const collector = await startCollector(answer)
    const app = await startApp({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } })
    const { accessToken } = await register(app)
    for (let round = 0; round < 40; round++)
      await Promise.all(Array.from({ length: 25 }, () => app.request('GET', '/api/v1/auth/me', { token: accessToken })))
    await app.close()
    const lines = app.logged.filter((line) => line.includes('spans are lost'))
    expect(lines.length).toBeGreaterThanOrEqual(1)
    expect(lines.length).toBeLessThanOrEqual(3)
    await collector.close()
  })

  it('that is asked for a share of nothing gets nothing', async () => {
    const collector = await startCollector()
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: '0' }
    const app = await startApp({ environment })
    await register(app)
    await app.close()
    expect(collector.requests).toEqual([])
    await collector.close()
  })
})
