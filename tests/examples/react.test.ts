import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Browser, Page, Request } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../client-sdk/index.ts'
import { freePort } from '../../db/embedded/freePort.ts'
import type { TestApp } from '../support/app.ts'
import { hasBrowser, launchBrowser } from '../support/browser.ts'
import { copyExample, type Example, hasExample, installWithClient } from '../support/example.ts'
import { type FaultProxy, startFaultProxy } from '../support/faultProxy.ts'
import { ada, createSite, type Site, signInAdministrator } from '../support/site.ts'

/** Types that were lost on the way would find none of these. */
const mistakes = `
import { isFailure } from 'tsforge-client'
import { client } from './api.ts'
// @ts-expect-error
export const login = () => client.auth.login({ email: 1 })
// @ts-expect-error
export const label = async () => (await client.menus.mine())[0]?.lable
// @ts-expect-error
export const isTaken = (failure: unknown) => isFailure(failure, 'user.email_token')
`

describe.runIf(hasExample('react'))('examples/react', () => {
  let example: Example
  /** With the port that the page knows. */
  let site: Site
  let app: TestApp
  /** Of the same person, from elsewhere. */
  let elsewhere: Client

  /** Vite, serving the page as `command` does; answers its origin. */
  const startVite = async (command: 'dev' | 'preview', variables: Record<string, string>) => {
    const vitePort = await freePort()
    const where = ['--host', '127.0.0.1', '--port', String(vitePort), '--strictPort']
    const args = ['node_modules/vite/bin/vite.js', ...(command === 'dev' ? [] : [command]), ...where]
    const vite = example.start(process.execPath, args, variables)
    await vite.says(/Local:/)
    return { origin: `http://127.0.0.1:${vitePort}`, stop: () => vite.kill('SIGTERM') }
  }
  const addMenu = (code: string, label: string, more = {}) => elsewhere.menus.create({ code, label, ...more })

  beforeAll(async () => {
    example = await copyExample('react')
    await installWithClient(example)
    site = await createSite()
    const earlier = await site.start()
    elsewhere = await signInAdministrator(earlier)
    const orders = await addMenu('orders', 'Orders', { path: '/orders' })
    await addMenu('orders.open', 'Open orders', { path: '/orders/open', parent_id: orders.id })
    await earlier.close()
  }, 240_000)
  afterAll(async () => {
    await site?.remove()
    await example?.remove()
  })

  it('compiles and builds with the packed client', { timeout: 120_000 }, async () => {
    await writeFile(path.join(example.folder, 'src/mistakes.ts'), mistakes)
    expect(await example.run('npm', ['run', 'build'])).toContain('built in')
  })

  describe.skipIf(!hasBrowser)('in a browser', () => {
    let browser: Browser
    let vite: Awaited<ReturnType<typeof startVite>>
    /** Between Vite and the server. */
    let road: FaultProxy
    let page: Page
    const complaints: string[] = []
    const refreshes: string[] = []

    const openPage = async (origin: string) => {
      const context = await browser.newContext({ viewport: { width: 1000, height: 560 } })
      const opened = await context.newPage()
      opened.on('pageerror', (error) => complaints.push(error.message))
      opened.on('console', (message) => {
        const isRefusal = message.text().startsWith('Failed to load resource')
        if (['error', 'warning'].includes(message.type()) && !isRefusal) complaints.push(message.text())
      })
      opened.on('request', (request: Request) => {
        if (request.url().endsWith('/auth.refresh')) refreshes.push(request.url())
      })
      await opened.goto(origin)
      return opened
    }
    const signIn = async (on: Page, { email, password }: typeof ada) => {
      await on.getByLabel('E-mail').fill(email)
      await on.getByLabel('Password').fill(password)
      await on.getByRole('button', { name: 'Sign in' }).click()
    }
    const live = (on: Page) => on.getByText('live', { exact: true }).waitFor()
    const inMenu = (on: Page, label: string) => on.getByLabel('Menu').getByText(label, { exact: true }).waitFor()
    const inEvents = (on: Page, text: string) =>
      on.getByLabel('Events').locator('li', { hasText: text }).first().waitFor()

    beforeAll(async () => {
      browser = await launchBrowser()
      const url = `http://127.0.0.1:${site.port}`
      road = await startFaultProxy(url)
      vite = await startVite('preview', { API_URL: road.reroute(url).replace(/\/$/, '') })
      page = await openPage(vite.origin)
    })
    afterAll(async () => {
      await browser?.close()
      vite?.stop()
      await road?.close()
      await app?.close()
    })

    it('says that there is no server, and goes on when there is one', async () => {
      await page.getByText('The server does not answer. Is it running?').waitFor()
      app = await site.start()
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    })

    it('shows what the server says about a wrong field and a wrong password', async () => {
      await signIn(page, { email: 'ada', password: 'x' })
      await page.getByText('must be a valid email').waitFor()
      await signIn(page, { ...ada, password: 'wrong horse battery' })
      await page.getByText('The e-mail or the password is wrong.').waitFor()
    })

    it('signs in, shows the menu, and what another client does as it happens', async () => {
      await signIn(page, ada)
      await inMenu(page, 'Open orders')
      await live(page)
      await addMenu('invoices', 'Invoices')
      await inEvents(page, 'menu.created')
      await inEvents(page, 'Invoices')
      await inMenu(page, 'Invoices')
    })

    it('keeps the session over a reload, and renews a token that has ended', async () => {
      await page.reload()
      await inMenu(page, 'Orders')
      await live(page)
      expect(refreshes).toEqual([])
      app.setTime(new Date(Date.now() + 20 * 60_000))
      await page.reload()
      await inMenu(page, 'Orders')
      await live(page)
      expect(refreshes).toHaveLength(1)
      app.setTime(null)
    })

    it('misses nothing while the server restarts', async () => {
      await live(page)
      await app.close()
      await page.getByText('connecting …').waitFor()
      await page.getByLabel('Events').getByText('The server does not answer. Is it running?').waitFor()
      app = await site.start()
      await addMenu('people', 'People')
      await live(page)
      await inEvents(page, 'People')
      await inMenu(page, 'People')
    })

    it('comes back at once when the stream is cut off, as a server that is killed does it', async () => {
      const again = page.waitForRequest(/events\.stream/)
      road.halfClose('toServer')
      await again
      await live(page)
      await addMenu('stock', 'Stock')
      await inEvents(page, 'Stock')
    })

    it('shows the form when the session was ended elsewhere', async () => {
      await elsewhere.sessions.revokeOthers()
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    })

    it('opens an account, whose owner may see no entry, and signs out in all tabs for good', async () => {
      await page.getByRole('button', { name: 'I have no account yet' }).click()
      await page.getByLabel('Name').fill('Grace')
      await page.getByLabel('E-mail').fill('grace@example.org')
      await page.getByLabel('Password').fill(ada.password)
      await page.getByRole('button', { name: 'Open', exact: true }).click()
      await page.getByText('grace@example.org').waitFor()
      await live(page)
      const otherTab = await page.context().newPage()
      await otherTab.goto(vite.origin)
      await otherTab.getByRole('button', { name: 'Sign out' }).click()
      for (const tab of [otherTab, page]) {
        await tab.getByRole('heading', { name: 'Sign in' }).waitFor()
        await tab.reload()
        await tab.getByRole('heading', { name: 'Sign in' }).waitFor()
      }
      await otherTab.close()
    })

    it('breaks no rule of its policy', () => {
      expect(complaints).toEqual([])
    })

    it('runs from its sources, in a tenant', async () => {
      const { id: tenantId } = await elsewhere.tenants.create({ name: 'Acme', slug: 'acme' })
      await elsewhere.menus.create({ code: 'stock', label: 'Stock' }, { tenantId })
      const dev = await startVite('dev', { API_URL: `http://127.0.0.1:${site.port}`, VITE_TENANT_ID: tenantId })
      const opened = await openPage(dev.origin)
      await signIn(opened, ada)
      await inMenu(opened, 'Stock')
      await live(opened)
      await opened.context().close()
      dev.stop()
    })

    it('asks a server of another origin that allows it', async () => {
      const variables = { VITE_API_URL: app.url }
      await example.run(process.execPath, ['node_modules/vite/bin/vite.js', 'build'], variables)
      const other = await startVite('preview', variables)
      await app.close()
      app = await site.start({ CORS_ORIGINS: other.origin })
      const opened = await openPage(other.origin)
      await signIn(opened, ada)
      await inMenu(opened, 'Orders')
      await live(opened)
      await opened.context().close()
      other.stop()
      expect(complaints).toEqual([])
    })
  })
})
