import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { name } from '../server/version.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'

const token = 'an operator token of some length'

describe.each(adapters)('paths outside the contract on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  it.each([
    ['/healthz', { status: 'ok', service: name, version: '0.0.0' }],
    ['/livez', { status: 'alive' }],
    ['/readyz', { status: 'ready' }],
    [
      '/admin/healthz',
      {
        healthy: true,
        modules: expect.arrayContaining([{ name: 'auth', healthy: true }]),
        duties: expect.arrayContaining([{ name: 'sessions.forget', schedule: '*/30 * * * *' }]),
      },
    ],
    ['/admin/modules', expect.arrayContaining(['auth', 'sessions'])],
  ])('%s answers in the envelope', async (path, data) => {
    const reply = await app.request('GET', path)
    expect([reply.status, reply.body]).toEqual([
      200,
      { success: true, data, request_id: reply.headers.get('x-request-id') },
    ])
  })

  it('an operator is known by X-Admin-Token once there is one, also on the machine itself', async () => {
    const guarded = await startApp({ adapter, environment: { ADMIN_TOKEN: token } })
    try {
      const ask = (headers: Record<string, string>) => guarded.request('GET', '/admin/modules', { headers })
      const wrong = [
        {},
        { 'x-admin-token': '' },
        { 'x-admin-token': `${token}x` },
        { authorization: `Bearer ${token}` },
      ]
      for (const headers of wrong) {
        const reply = await ask(headers as Record<string, string>)
        expect([reply.status, reply.body.error.code]).toEqual([401, 'admin.unauthorized'])
      }
      expect((await ask({ 'x-admin-token': token })).status).toBe(200)
      expect((await guarded.request('GET', '/admin/healthz')).status).toBe(401)
    } finally {
      await guarded.close()
    }
  })

  it('the key set may be kept for a while, by anybody', async () => {
    const reply = await app.request('GET', '/.well-known/jwks.json')
    expect(reply.headers.get('cache-control')).toBe('public, max-age=300, must-revalidate')
  })

  it('readiness fails and every connection is closed from the moment that the server begins to stop', async () => {
    const stopping = await startApp({ adapter })
    await stopping.close()
    await expect(fetch(`${stopping.url}/livez`)).rejects.toThrow()
  })
})
