import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../client-sdk/index.ts'
import { startApp } from './support/app.ts'
import { hasBrowser } from './support/browser.ts'
import { clientName, repository } from './support/compile.ts'
import { page as pageProgram, program, runner, settings } from './support/strangerPrograms.ts'
import { createStrangerProject, type StrangerProject } from './support/strangerProject.ts'
import { inTabs, type Scene, type Setting } from './support/tabs.ts'

let project: StrangerProject

beforeAll(async () => {
  const created = await createStrangerProject()
  if (created) project = created
  else console.warn('skipped: the packed client was not installed, no registry is in reach')
}, 180_000)

afterAll(async () => {
  if (project) await rm(path.dirname(project.folder), { recursive: true })
})

/** A test of the installed package: skipped without one, which the line above says. */
const installed = (name: string, test: () => Promise<void>) =>
  it(name, { timeout: 120_000 }, async (context) => {
    if (!project) return context.skip()
    await test()
  })

const bundle = async (entry: string, external: string[] = []) => {
  const entryPoints = [path.join(project.folder, entry)]
  const { outputFiles } = await build({
    entryPoints,
    external,
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

const kibibytes = (text: string) => `${Math.ceil(gzipSync(text).length / 1024)} KiB`

describe('the package', () => {
  installed('is well-formed to publint', async () => {
    const { messages } = await publint({ pkgDir: project.installed, strict: true, pack: false })
    expect(messages).toEqual([])
  })

  installed('resolves to types and code to attw', async () => {
    const attw = path.join(repository, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const { code, output } = await project.node(attw, project.tarball, '--profile', 'esm-only', '--no-color')
    expect([code, output]).toEqual([0, expect.stringContaining('node16 (from ESM)')])
  })

  installed('weighs what its README says', async () => {
    const alone = await bundle(`node_modules/${clientName}/index.js`, ['@trpc/client'])
    const whole = await bundle(`node_modules/${clientName}/index.js`)
    const weights = `${kibibytes(alone)}, with \`@trpc/client\` ${kibibytes(whole)}`
    console.log(`minified ${alone.length} and ${whole.length} bytes; gzipped ${weights}`)
    expect(readFileSync(path.join(project.installed, 'README.md'), 'utf8')).toContain(weights)
  })
})

describe('a program of a stranger', () => {
  installed('compiles in strict mode, with nothing of the server', async () => {
    await project.write('program.ts', program)
    for (const [lib, module] of [
      [['ES2022', 'ESNext.Disposable', 'DOM'], 'nodenext'],
      [['ES2022', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'], 'preserve'],
    ] as const) {
      await project.write('tsconfig.json', JSON.stringify(settings(lib, module)))
      const { output } = await project.node('node_modules/typescript/bin/tsc', '--listFiles', '--extendedDiagnostics')
      expect(output.match(/^.*error TS.*$/gm)).toBeNull()
      const files = output.match(/^\/.*$/gm)?.map((file) => path.relative(project.folder, file)) ?? []
      expect(files).toContain(`node_modules/${clientName}/api.d.ts`)
      const packages = [clientName, '@trpc/client', '@trpc/server', 'typescript/lib'].map(
        (name) => `node_modules/${name}/`,
      )
      const isKnown = (file: string) => file === 'program.ts' || packages.some((folder) => file.startsWith(folder))
      expect(files.filter((file) => !isKnown(file))).toEqual([])
      console.log(`${module}: ${output.match(/^(?:Instantiations|Check time|Total time):.*$/gm)?.join(', ')}`)
    }
  })

  installed('runs in Node against the server', async () => {
    await project.write('runner.js', runner)
    const app = await startApp()
    try {
      const { output } = await project.node('runner.js', app.url, 'ada@example.org')
      const found = JSON.parse(output)
      expect(found.user).toMatchObject({ email: 'ada@example.org', role: 'user' })
      expect(found).toEqual({
        user: found.user,
        me: found.user,
        sessions: 1,
        depth: 0,
        taken: { code: 'user.email_taken', status: 409 },
        invalid: { email: 'must be a valid email' },
        plain: 'ada@example.org',
      })
    } finally {
      await app.close()
    }
  })
})

/** What the script of the page puts beside its window: the client, and the code with which a call failed, or `none`. */
declare const client: Client
declare const codeOf: (call: Promise<unknown>) => Promise<string>

const account = (email: string) => ({ email, password: 'correct horse battery', name: 'Ada' })

const browsing = (name: string, setting: Omit<Setting, 'script'>, work: (scene: Scene) => Promise<void>) => {
  if (!hasBrowser) return it.skip(name)
  return installed(name, async () => {
    await project.write('page.js', pageProgram)
    await inTabs({ ...setting, script: await bundle('page.js') }, work)
  })
}

describe('a page of another origin', () => {
  browsing('registers, reads, signs out and is told the failure', { tabs: 1, isAlone: false }, async ({ first }) => {
    const ada = account('page@example.org')
    await first.evaluate((input) => client.auth.register(input), ada)
    await expect(first.evaluate(() => client.auth.me())).resolves.toMatchObject({ email: ada.email })
    expect(await first.evaluate((input) => codeOf(client.auth.register(input)), ada)).toBe('user.email_taken')
    await first.evaluate(() => client.auth.logout())
    expect(await first.evaluate(() => codeOf(client.auth.me()))).toBe('auth.missing_token')
  })

  browsing('follows events until it leaves', { tabs: 1, isAlone: false }, async ({ first }) => {
    await first.evaluate((input) => client.auth.register(input), account('follow@example.org'))
    const seen = await first.evaluate(async () => {
      const onOpen = () => void client.events.ticket()
      for await (const { topic } of client.events.stream({ topics: ['stream.ticket_issued'] }, { onOpen })) return topic
      return 'nothing'
    })
    expect(seen).toBe('stream.ticket_issued')
  })

  const ways = [
    { way: 'by Web Locks', isAlone: false },
    { way: 'without Web Locks', isAlone: true },
  ]
  for (const { way, isAlone } of ways) {
    const name = `keeps a session that two tabs renew at once, ${way}`
    browsing(name, { tabs: 2, isAlone }, async ({ app, tabs, first, refreshes }) => {
      const ada = account('tabs@example.org')
      await first.evaluate((input) => client.auth.register(input), ada)
      app.setTime(new Date(Date.now() + 20 * 60_000))
      const users = await Promise.all(tabs.map((tab) => tab.evaluate(() => client.auth.me())))
      expect(users).toMatchObject([{ email: ada.email }, { email: ada.email }])
      // Also under a lock a tab may renew once more: browsers bring localStorage to other tabs a moment later. Both send
      // the Idempotency-Key that was drawn with the token, so that the second is answered like the first.
      expect(refreshes.length).toBeLessThanOrEqual(2)
      expect(refreshes.length).toBeGreaterThan(0)
      for (const tab of tabs) expect(await tab.evaluate(() => codeOf(client.auth.me()))).toBe('none')
      await first.evaluate(() => client.auth.logout())
      for (const tab of tabs) expect(await tab.evaluate(() => codeOf(client.auth.me()))).toBe('auth.missing_token')
    })
  }
})
