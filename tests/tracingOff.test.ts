import { createRequire } from 'node:module'
import { afterAll, describe, expect, it } from 'vitest'
import { register } from './support/accounts.ts'
import { startApp, type TestApp } from './support/app.ts'
import { startCollector } from './support/collector.ts'

/**
 * The packages are CommonJS, so whoever loads them leaves them here. The API, which does nothing by itself, is no part of
 * it: prom-client loads it.
 */
const loaded = () =>
  Object.keys(createRequire(import.meta.url).cache).filter((file) => /@opentelemetry\/(?!api\/)/.test(file))

describe('without a collector', () => {
  const apps: TestApp[] = []
  afterAll(async () => {
    for (const app of apps) await app.close()
  })
  const start = async (environment: Readonly<Record<string, string>>) => {
    const app = await startApp({ environment })
    apps.push(app)
    return app
  }

  it('no module of OpenTelemetry is in the process, outside of development nor in it', async () => {
    for (const NODE_ENV of ['test', 'development']) {
      const app = await start({ NODE_ENV, ALLOW_WEAK_HASHING: 'true' })
      const { accessToken } = await register(app)
      expect((await app.request('GET', '/api/v1/auth/me', { token: accessToken })).status).toBe(200)
    }
    expect(loaded()).toEqual([])
  })

  it('requests are neither recorded nor timed outside of development', async () => {
    const app = await start({})
    const reply = await app.request('GET', '/api/v1/auth/me')
    expect(reply.headers.get('server-timing')).toBeNull()
    expect(app.recorder).toBeUndefined()
  })

  it('the caller’s trace is stored with the event all the same', async () => {
    const app = await start({})
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await app.request('POST', '/api/v1/auth/register', {
      body: { email: 'trace@example.org', password: 'correct horse battery', name: 'Ada' },
      headers: { traceparent },
    })
    const rows = await app.sql('select distinct traceparent from events where traceparent is not null')
    expect(rows).toEqual([{ traceparent }])
  })

  it('and with one they are: the look is not blind', async () => {
    const collector = await startCollector()
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    expect(loaded().length).toBeGreaterThan(0)
    await collector.close()
  })
})
