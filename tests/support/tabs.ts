import type { Page } from 'playwright-core'
import { startApp, type TestApp } from './app.ts'
import { launchBrowser, servePage } from './browser.ts'

/** The script of the page puts it beside its window: makes the client. `isAlone`: its store has no lock among tabs. */
declare const openClient: (url: string, isAlone: boolean) => void

export interface Scene {
  readonly app: TestApp
  readonly first: Page
  /** Tabs of one browser on one origin, each with a client of the server, which is another origin. */
  readonly tabs: readonly Page[]
  /** The refreshes that the tabs have sent. */
  readonly refreshes: readonly string[]
}

export interface Setting {
  readonly script: string
  readonly tabs: number
  readonly isAlone: boolean
}

/** Opens tabs, runs `work` and takes everything down again. */
export const inTabs = async (setting: Setting, work: (scene: Scene) => Promise<void>): Promise<void> => {
  const site = await servePage(setting.script)
  const app = await startApp({ environment: { CORS_ORIGINS: site.origin } })
  const browser = await launchBrowser()
  try {
    const context = await browser.newContext()
    const refreshes: string[] = []
    context.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/trpc/auth.refresh')) refreshes.push(request.url())
    })
    const tabs = await Promise.all(Array.from({ length: setting.tabs }, () => context.newPage()))
    for (const tab of tabs) await openTab(tab, site.origin, app.url, setting.isAlone)
    const [first] = tabs
    if (first) await work({ app, first, tabs, refreshes })
  } finally {
    await browser.close()
    site.close()
    await app.close()
  }
}

const openTab = async (tab: Page, origin: string, url: string, isAlone: boolean): Promise<void> => {
  await tab.goto(origin)
  await tab.waitForFunction(() => typeof openClient === 'function')
  await tab.evaluate((alone) => openClient(alone.url, alone.isAlone), { url, isAlone })
}
