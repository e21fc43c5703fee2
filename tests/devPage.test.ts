import { randomUUID } from 'node:crypto'
import { get } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createShown } from '../server/http/dev/shown.ts'
import { createRecorder } from '../server/platform/tracing/recorder.ts'
import { createTracing } from '../server/platform/tracing/tracing.ts'
import { type Account, login, password, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { hasBrowser, launchBrowser } from './support/browser.ts'

const development = { NODE_ENV: 'development', ALLOW_WEAK_HASHING: 'true' }
const paths = [
  '/dev',
  '/dev/page.js',
  '/dev/style.css',
  '/dev/data/requests',
  '/dev/data/requests/1',
  '/dev/data/state',
]

const createMenu = (app: TestApp, { accessToken }: Account, id: string, label = 'Orders') =>
  app.request('POST', '/api/v1/menus', {
    token: accessToken,
    body: { code: randomUUID(), label },
    headers: { 'x-request-id': id },
  })

/** With a Host and a path as they are, which fetch would not send. */
const getRaw = (app: TestApp, path: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number | undefined; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const { hostname, port } = new URL(app.url)
    get({ hostname, port, path, headers, agent: false }, async (reply) => {
      let text = ''
      for await (const chunk of reply.setEncoding('utf8')) text += chunk
      resolve({ status: reply.statusCode, headers: reply.headers, text })
    }).on('error', reject)
  })

interface Listed {
  readonly key: string
  readonly id: string
  readonly name: string
}

const read = async <T>(app: TestApp, path: string): Promise<T> => {
  const reply = await fetch(`${app.url}/dev/data/${path}`)
  expect(reply.status).toBe(200)
  return (await reply.json()) as T
}

const rowOf = async (app: TestApp, id: string): Promise<Listed | undefined> =>
  (await read<Listed[]>(app, 'requests')).find((request) => request.id === id)

describe.each(adapters)('on %s', (adapter) => {
  it.each(['production', 'test'])('there is no page in %s', async (environment) => {
    const app = await startApp({
      adapter,
      environment: {
        NODE_ENV: environment,
        ALLOW_WEAK_HASHING: 'true',
        JWT_SECRET: 'another signing secret, 32 bytes or more',
        DATABASE_URL: 'postgres://unused',
        // Spans are made, and still nobody keeps them.
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      },
    })
    for (const path of paths) {
      const { status, body } = await app.request('GET', path)
      expect([path, status, body.error?.code]).toEqual([path, 404, 'route.not_found'])
    }
    await app.close()
  })

  describe('in development', () => {
    let app: TestApp
    let admin: Account
    beforeAll(async () => {
      app = await startApp({ adapter, environment: { ...development, CORS_ORIGINS: 'https://front.example' } })
      admin = await registerAdmin(app)
    })
    afterAll(() => app.close())

    it.each([
      { host: 'rebound.example' },
      { host: 'localhost.rebound.example:8080' },
      { host: '127.0.0.1.rebound.example' },
      { 'x-forwarded-for': '127.0.0.1' },
      { forwarded: 'for=127.0.0.1' },
      { origin: 'https://front.example' },
      // Of another program on this machine.
      { host: 'localhost:8080', origin: 'http://localhost:3000' },
      { origin: 'null' },
    ])('refuses %o', async (headers) => {
      for (const path of paths) {
        const { status, text } = await getRaw(app, path, headers)
        expect([path, status, JSON.parse(text).error?.code]).toEqual([path, 403, 'admin.forbidden'])
      }
    })

    it.each(['localhost', 'LOCALHOST:8080', '127.0.0.1:8080', '[::1]:8080'])('answers %s', async (host) => {
      const { status, headers } = await getRaw(app, '/dev/data/requests', { host })
      expect(status).toBe(200)
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers['cache-control']).toBe('no-store')
    })

    it('allows its own files alone', async () => {
      for (const path of ['/dev', '/dev/page.js', '/dev/data/state']) {
        const { headers } = await getRaw(app, path)
        const policy = String(headers['content-security-policy']).split('; ')
        expect(policy).toEqual(expect.arrayContaining(["default-src 'none'", "script-src 'self'", "style-src 'self'"]))
        expect(policy.join()).not.toContain('unsafe')
      }
    })

    it('a request shows up with its SQL, its event and its curl', async () => {
      const id = randomUUID()
      await createMenu(app, admin, id)
      const row = await rowOf(app, id)
      expect(row).toMatchObject({ name: 'POST /api/v1/menus', status: 201, events: 1, target: '/api/v1/menus' })
      const detail = await read<{ curl: string; spans: { part: string; name: string; sql: string | null }[] }>(
        app,
        `requests/${row?.key}`,
      )
      const named = (name: string) => detail.spans.find((span) => span.name === name)
      expect(named('INSERT menus')).toMatchObject({ part: 'query', sql: expect.stringMatching(/^insert into "menus"/) })
      expect(named('record menu.created')?.part).toBe('event')
      expect(named('gates')?.part).toBe('gates')
      expect(named('transaction')?.part).toBe('transaction')
      expect(detail.curl).toContain('curl -X POST')
    })

    it('two requests of the same id are two rows', async () => {
      const id = randomUUID()
      for (let round = 0; round < 2; round++) await createMenu(app, admin, id)
      const rows = (await read<Listed[]>(app, 'requests')).filter((request) => request.id === id)
      expect(new Set(rows.map(({ key }) => key)).size).toBe(2)
    })

    it('a key that is unknown is not found', async () => {
      expect((await app.request('GET', '/dev/data/requests/none')).status).toBe(404)
    })

    it('shows events, flags, modules, duties and consumers', async () => {
      const label = randomUUID()
      await createMenu(app, admin, randomUUID(), label)
      const state = await read<Record<string, unknown[]>>(app, 'state')
      expect(state.events?.[0]).toMatchObject({ topic: 'menu.created', payload: expect.stringContaining(label) })
      expect(state.flags?.[0]).toMatchObject({ source: 'default' })
      expect(state.modules).toContainEqual({ name: 'menus', healthy: true })
      expect(state.duties?.[0]).toMatchObject({ schedule: expect.any(String) })
      expect(state.consumers).toEqual(expect.any(Array))
    })

    it('records nothing of itself', async () => {
      for (const path of paths) await fetch(app.url + path)
      const rows = await read<Listed[]>(app, 'requests')
      expect(rows.filter(({ name }) => name.includes('/dev'))).toEqual([])
    })

    it('holds no token, no password and no secret', async () => {
      const again = await login(app, admin.email)
      await app.request('GET', '/api/v1/auth/me?ticket=tick-secret', { token: again.accessToken })
      await app.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: again.refreshToken } })
      const rows = await read<Listed[]>(app, 'requests')
      const details = await Promise.all(rows.map(({ key }) => read(app, `requests/${key}`)))
      const text = JSON.stringify([rows, details, await read(app, 'state')])
      expect(text).toContain('POST /api/v1/auth/login')
      const hidden = [again.accessToken, again.refreshToken, admin.accessToken, admin.email, password, 'tick-secret']
      for (const value of hidden) expect(text.includes(value), value).toBe(false)
    })

    it('stays small with two hundred requests', async () => {
      const query = 'x'.repeat(1_900)
      for (let round = 0; round < 8; round++)
        await Promise.all(Array.from({ length: 25 }, () => app.request('GET', `/api/v1/auth/me?${query}`)))
      const text = await (await fetch(`${app.url}/dev/data/requests`)).text()
      expect(JSON.parse(text)).toHaveLength(200)
      expect(text.length).toBeLessThan(150_000)
    })
  })
})

it('texts that are too long together are left out and counted', async () => {
  const recorder = createRecorder({ lines: 150 })
  const tracing = createTracing({ share: 1, recorder })
  await tracing.root('long', undefined, {}, async (span) => {
    for (let line = 0; line < 150; line++) recorder.log(span, span.startMs, 'x'.repeat(2_000))
  })
  const shown = createShown(recorder.recent)
  const detail = shown.one(shown.list()[0]?.key ?? '')
  expect([detail?.lines.length, detail?.dropped]).toEqual([100, 50])
})

describe.skipIf(!hasBrowser)('in a browser', () => {
  let app: TestApp
  let admin: Account
  let browser: Browser
  let page: Page
  /** Errors in the console, uncaught ones, breaches of the policy. */
  const complaints: string[] = []
  const requested: string[] = []

  beforeAll(async () => {
    app = await startApp({ environment: development })
    admin = await registerAdmin(app)
    browser = await launchBrowser()
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    page.setDefaultTimeout(20_000)
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => requested.push(request.url()))
    await page.goto(`${app.url}/dev`)
  })
  afterAll(async () => {
    await browser?.close()
    await app?.close()
  })

  const row = (name: string) => page.locator('#rows button', { hasText: name }).first()
  const isFocused = (name: string) => page.locator('#rows button:focus', { hasText: name }).waitFor()

  it('a request that is sent while the page is open appears, with its timeline', async () => {
    await createMenu(app, admin, 'seen-on-the-page')
    await row('POST /api/v1/menus').click()
    const detail = page.locator('#detail')
    for (const label of ['gates', 'transaction', 'INSERT menus', 'record menu.created'])
      await detail.getByText(label, { exact: true }).first().waitFor()
    await detail.locator('summary', { hasText: 'INSERT menus' }).click()
    await detail.getByText('insert into "menus"').waitFor()
    const width = await detail.locator('.bar.transaction').evaluate((bar) => bar.getBoundingClientRect().width)
    expect(width).toBeGreaterThan(2)
    expect(await detail.locator('.curl').textContent()).toContain('curl -X POST')
  })

  it('is used by keys alone', async () => {
    await row('POST /api/v1/menus').focus()
    await page.keyboard.press('ArrowDown')
    await isFocused('POST /api/v1/auth/register')
    await page.keyboard.press('Enter')
    await page.locator('#detail h2', { hasText: 'POST /api/v1/auth/register' }).waitFor()
  })

  it('shows what clients wrote as text', async () => {
    await createMenu(app, admin, 'written', '<img src=x onerror=alert(1)>')
    await getRaw(app, '/api/v1/menus?search=<img/src=x>')
    await row('GET /api/v1/menus').click()
    await page.locator('#detail dd', { hasText: '<img/src=x>' }).waitFor()
    await page.getByRole('button', { name: 'Events', exact: true }).click()
    await page.locator('#state td', { hasText: '<img src=x onerror=alert(1)>' }).waitFor()
    expect(await page.locator('img').count()).toBe(0)
    await page.getByRole('button', { name: 'Requests', exact: true }).click()
  })

  it('stands still while it is paused', async () => {
    // A page whose clock goes when it is told to, so a minute without a look is no wait.
    const still = await browser.newPage()
    await still.clock.install()
    await still.goto(`${app.url}/dev`)
    const asked: string[] = []
    still.on('request', (request) => asked.push(request.url()))
    const rows = still.locator('#rows tr')
    const looked = () => still.waitForResponse(`${app.url}/dev/data/requests`)
    await rows.first().waitFor()
    const next = looked()
    await still.clock.runFor(2_000)
    await next
    await still.getByRole('button', { name: 'Pause' }).click()
    const [before, askedBefore] = [await rows.count(), asked.length]
    await createMenu(app, admin, 'while-paused')
    await still.clock.runFor(60_000)
    expect([await rows.count(), asked.length]).toEqual([before, askedBefore])
    // Another view is asked for once.
    await still.getByRole('button', { name: 'Flags', exact: true }).click()
    await still.locator('#state').getByText('default', { exact: true }).first().waitFor()
    await still.clock.runFor(60_000)
    expect(asked).toHaveLength(askedBefore + 1)
    await still.getByRole('button', { name: 'Go on' }).click()
    await still.getByRole('button', { name: 'Requests', exact: true }).click()
    await rows.nth(before).waitFor()
    await still.close()
  })

  it.each([
    ['Events', 'menu.created'],
    ['Flags', 'default'],
    ['Modules', 'menus'],
    ['Duties', 'never'],
    ['Consumers', 'No consumer has worked on this database.'],
  ])('shows %s', async (view, text) => {
    await page.getByRole('button', { name: view, exact: true }).click()
    await page.locator('#state').getByText(text, { exact: true }).first().waitFor()
  })

  it('breaks no rule of its policy and reaches nothing else', () => {
    expect(complaints).toEqual([])
    expect(requested.filter((url) => !url.startsWith(`${app.url}/`) && !url.startsWith('data:'))).toEqual([])
  })
})
