import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from './support/app.ts'
import { entries } from './support/entries.ts'
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
    expect(app.filters.length).toBeGreaterThan(10)
    await app.open('all')
    const walked = await walk(app, world, { entries, withRefusals: false })
    await app.sql('delete from open_filters')
    report('row security alone', walked)
    expect(walked.findings).toEqual([])
    expect(walked.skipped).toEqual([])
  })

  describe('the filters alone', () => {
    const statementsOf = new Map<string, ReadonlySet<string>>()
    const before = new Map<string, string>()
    beforeAll(() => dropRowSecurity(app))

    it('let nothing through, and what is foreign is refused as what does not exist', { timeout: walkMs }, async () => {
      let current = ''
      const note = () => statementsOf.set(current, new Set([...(statementsOf.get(current) ?? []), ...app.takeRan()]))
      const onEntry = (key: string) => {
        note()
        current = key
      }
      const walked = await walk(app, world, { entries, withRefusals: true, onEntry, before })
      note()
      report('filters alone', walked)
      expect(walked.findings).toEqual([])
      expect(walked.skipped).toEqual([])
    })

    it('are each noticed when they are missing', { timeout: walkMs }, async () => {
      const unnoticed: string[] = []
      for (const [number, names] of app.filters.entries()) {
        const touched = [...entries].filter(([key]) => names.some((name) => statementsOf.get(key)?.has(name)))
        await app.open(number)
        const { findings } = await walk(app, world, {
          entries: new Map(touched),
          withRefusals: true,
          transports: ['rest'],
          stopAtFirst: true,
          before,
        })
        await world.restore()
        console.log(`${number} ${names.join(', ')} (${touched.length} entries): ${findings[0] ?? 'NOT NOTICED'}`)
        if (findings.length === 0) unnoticed.push(names.join(', '))
      }
      console.log(`${app.filters.length} filters opened one by one, ${app.filters.length - unnoticed.length} noticed`)
      expect(unnoticed).toEqual([])
    })
  })
})
