import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from './support/app.ts'
import { entries } from './support/entries.ts'
import { chooseRecorded, type Recorded, runAlone } from './support/isolationStatements.ts'
import { type Walk, walk } from './support/isolationWalk.ts'
import { dropRowSecurity, type OpenableApp, startOpenableApp } from './support/isolationWalls.ts'
import { createWorld, gapsOf, unguardedTables, type World } from './support/isolationWorld.ts'

/**
 * Two tenants with twin data. The manager of one calls every entry of the contract with every id, cursor and header
 * that belongs to the other one. Nothing of the other may be seen or changed, with both walls and with either alone.
 */
const walkMs = 300_000

const report = (name: string, { calls, skipped }: Walk) =>
  console.log(`${name}: ${entries.size} entries, ${calls} calls; skipped: ${skipped.join(', ') || 'none'}`)

describe('with both walls', () => {
  let app: TestApp
  let world: World
  beforeAll(async () => {
    app = await startApp()
    world = await createWorld(app)
  })
  afterAll(() => app.close())

  it('every table has its owner and every text its canary', async () => {
    expect(await gapsOf(app, world)).toEqual([])
  })

  it('every table with a tenant is guarded by row security', async () => {
    expect(await unguardedTables(app)).toEqual([])
  })

  it('nothing gets through, and what is foreign is refused as what does not exist', { timeout: walkMs }, async () => {
    const walked = await walk(app, world, { entries, withRefusals: true })
    report('both walls', walked)
    expect(walked.findings).toEqual([])
    expect(walked.skipped).toEqual([])
  })
})

describe('with one wall', () => {
  let app: OpenableApp
  let world: World
  beforeAll(async () => {
    app = await startOpenableApp()
    world = await createWorld(app)
  })
  afterAll(() => app.close())

  it('row security alone lets nothing through', { timeout: walkMs }, async () => {
    await app.open('all')
    const walked = await walk(app, world, { entries, withRefusals: false })
    await app.open('none')
    report('row security alone', walked)
    expect(walked.findings).toEqual([])
    expect(walked.skipped).toEqual([])
  })

  describe('the filters alone', () => {
    /** The statements that each entry ran. */
    const ranBy = new Map<string, readonly Recorded[]>()
    const before = new Map<string, string>()
    let recorded: readonly Recorded[] = []
    beforeAll(() => dropRowSecurity(app))

    it('let nothing through, and what is foreign is refused as what does not exist', { timeout: walkMs }, async () => {
      app.takeRan()
      const onDone = (key: string) => ranBy.set(key, app.takeRan())
      const walked = await walk(app, world, { entries, withRefusals: true, onDone, before })
      report('filters alone', walked)
      expect(walked.findings).toEqual([])
      expect(walked.skipped).toEqual([])
      recorded = chooseRecorded([...ranBy.values()].flat(), world)
    })

    it('hold in every statement by itself', { timeout: walkMs }, async () => {
      expect(await runAlone(app, world, recorded)).toEqual([])
      const names = new Set(recorded.map(({ name }) => name))
      console.log(`${names.size} statements run by themselves, ${recorded.length} times`)
      expect(app.filters.flat().filter((name) => !names.has(name))).toEqual([])
    })

    it('are each noticed when they are missing', { timeout: walkMs }, async () => {
      const missed: string[] = []
      let seenOverApi = 0
      for (const [number, names] of app.filters.entries()) {
        const touched = [...entries].filter(([key]) => ranBy.get(key)?.some(({ name }) => names.includes(name)))
        await app.open(number)
        const statements = recorded.filter(({ name }) => names.includes(name))
        const options = {
          entries: new Map(touched),
          withRefusals: true,
          transports: ['rest'],
          stopAtFirst: true,
          before,
        } as const
        const { findings } = await walk(app, world, options)
        seenOverApi += Math.sign(findings.length)
        if (findings.length === 0 && (await runAlone(app, world, statements)).length === 0)
          missed.push(names.join(', '))
      }
      await app.open('none')
      const alone = app.filters.length - seenOverApi - missed.length
      console.log(
        `${app.filters.length} filters removed one by one: ${seenOverApi} noticed by a call, ${alone} by a statement`,
      )
      expect(missed).toEqual([])
    })
  })
})
