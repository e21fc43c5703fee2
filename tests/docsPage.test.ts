import { existsSync } from 'node:fs'
import { pino } from 'pino'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import document from '../contract/openapi.json' with { type: 'json' }
import { chooseAdapter } from '../server/http/adapter.ts'
import { createDispatch } from '../server/http/dispatch.ts'
import { docsRoutes } from '../server/http/docs.ts'
import { success } from '../server/http/envelope.ts'
import type { HttpServer } from '../server/http/exchange.ts'
import { createCors } from '../server/http/headers.ts'
import type { Route } from '../server/http/route.ts'
import { systemRoutes } from '../server/http/system.ts'
import { unlimited } from '../server/platform/budgets.ts'

const probes = systemRoutes({
  serviceName: 'docs',
  version: '0.0.0',
  adminToken: 'none',
  publicKeys: { keys: [] },
  notReady: async () => undefined,
  moduleNames: [],
  moduleHealth: async () => [],
  scrape: async () => '',
  duties: async () => [],
})

/** Stands for the app: answers with the token it was sent. */
const echo: Route = {
  method: 'GET',
  path: '/api/v1/auth/me',
  serve: ({ exchange, head }) => success(200, exchange.headers.authorization ?? null, head.id),
}

const serve = async (adapter: 'uws' | 'node', routes = docsRoutes({ document })) => {
  const { create } = await chooseAdapter(adapter)
  const handle = createDispatch({
    routes: [...routes, ...probes, echo],
    cors: createCors([]),
    budgets: unlimited,
    load: { hasRoom: () => true, noteRefused: () => {} },
    clientAddress: ({ peerAddress }) => peerAddress,
    log: pino({ level: 'silent' }),
    countRequest: () => {},
  })
  const server: HttpServer = create({ bodyLimitBytes: 1024, bodyIdleMs: 1000, handle })
  const port = await server.listen({ host: '127.0.0.1', port: 0, exclusive: true })
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}

type Served = Awaited<ReturnType<typeof serve>>

describe.each(['uws', 'node'] as const)('%s', (adapter) => {
  let served: Served
  beforeAll(async () => {
    served = await serve(adapter)
  })
  afterAll(() => served.close())

  test('serves the document raw, to be asked for again by its tag', async () => {
    const reply = await fetch(`${served.url}/openapi.json`)
    expect(reply.headers.get('content-type')).toBe('application/json')
    expect(reply.headers.get('cache-control')).toBe('public, max-age=300, must-revalidate')
    expect(await reply.json()).toEqual(document)
    const etag = reply.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]{22}"$/)
    for (const sent of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await fetch(`${served.url}/openapi.json`, { headers: { 'if-none-match': sent } })
      expect([sent, again.status, again.headers.get('etag'), await again.text()]).toEqual([sent, 304, etag, ''])
    }
    const changed = await fetch(`${served.url}/openapi.json`, { headers: { 'if-none-match': '"other"' } })
    expect([changed.status, (await changed.text()).length]).toEqual([200, JSON.stringify(document).length])
  })

  test.each([
    ['/docs', 'text/html; charset=utf-8'],
    ['/docs/start.js', 'text/javascript; charset=utf-8'],
    ['/docs/swagger-ui.css', 'text/css; charset=utf-8'],
    ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ])('serves %s under a policy that allows no script from elsewhere', async (path, type) => {
    const reply = await fetch(served.url + path)
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe(type)
    const policy = reply.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; ")
    expect(policy).not.toMatch(/http|unsafe/)
    expect((await reply.arrayBuffer()).byteLength).toBe(Number(reply.headers.get('content-length')))
    const etag = reply.headers.get('etag') ?? ''
    expect((await fetch(served.url + path, { headers: { 'if-none-match': etag } })).status).toBe(304)
  })

  test.each([
    '/docs/',
    '/docs/index.html',
    '/docs/package.json',
    '/docs/..%2fpackage.json',
    '/docs/swagger-ui.css.map',
  ])('has nothing at %s', async (path) => {
    expect((await fetch(served.url + path)).status).toBe(404)
  })
})

test('says how to get the viewer where it is not installed', async () => {
  const locate = () => {
    throw new Error('not installed')
  }
  const { url, close } = await serve('node', docsRoutes({ document, locate }))
  const reply = await fetch(`${url}/docs`)
  expect(reply.status).toBe(200)
  expect(await reply.text()).toContain('npm install swagger-ui-dist')
  expect(reply.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect((await fetch(`${url}/docs/swagger-ui.css`)).status).toBe(404)
  expect((await fetch(`${url}/openapi.json`)).status).toBe(200)
  close()
})

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = places.find((place) => existsSync(place))
if (!executablePath)
  console.log(`The API reference was not opened in a browser: there is none of ${places.join(', ')}.`)

const quiet = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

describe.skipIf(!executablePath)('in a browser', () => {
  let served: Served
  let browser: Browser
  let page: Page
  /** What went wrong on the page: errors in its console, uncaught ones, breaches of the policy. */
  const complaints: string[] = []
  const requested: string[] = []

  beforeAll(async () => {
    served = await serve('node')
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: quiet })
    page = await browser.newPage({ viewport: { width: 1200, height: 1400 } })
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => requested.push(request.url()))
    await page.goto(`${served.url}/docs`)
    await page.locator('.opblock').first().waitFor()
  })
  afterAll(async () => {
    await browser?.close()
    served?.close()
  })

  const operation = (id: string) => page.locator('.opblock', { has: page.getByText(id, { exact: true }) })

  test('shows every operation', async () => {
    const documented = Object.values(document.paths).flatMap((verbs) => Object.values<{ summary: string }>(verbs))
    for (const { summary } of documented) await page.getByText(summary, { exact: true }).waitFor()
    expect(await page.locator('.opblock').count()).toBe(documented.length)
  })

  test('tries a call out with a token', async () => {
    await page.locator('.btn.authorize').first().click()
    await page.locator('.auth-container input').fill('the-token')
    await page.locator('.auth-btn-wrapper .authorize').click()
    await page.locator('.auth-btn-wrapper .btn-done').click()
    const block = operation('auth.me')
    await block.locator('.opblock-summary-control').click()
    await block.locator('.try-out__btn').click()
    await block.locator('.execute').click()
    await block.locator('.live-responses-table').getByText('"Bearer the-token"').first().waitFor()
  })

  test('breaks no rule of its policy and reaches nothing else', () => {
    expect(complaints).toEqual([])
    expect(requested.filter((url) => !url.startsWith(`${served.url}/`) && !url.startsWith('data:'))).toEqual([])
    expect(requested.length).toBeGreaterThan(4)
  })
})
