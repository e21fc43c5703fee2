import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../client-sdk/index.ts'
import type { TestApp } from '../support/app.ts'
import { copyExample, type Example, type ExampleProgram, hasExample } from '../support/example.ts'
import { createSite, type Site, signInAdministrator } from '../support/site.ts'

/** What is waited for has time, on a busy machine too. */
const patience = { timeout: 25_000 }

describe.runIf(hasExample('stream'))('examples/stream', () => {
  let example: Example
  let site: Site
  let app: TestApp
  let admin: Client
  let apiKey: string
  let folder: string
  let count = 0
  let running: ExampleProgram | undefined

  const follow = (variables: Record<string, string> = {}) => {
    running = example.start(process.execPath, ['follow.mjs', folder], {
      API_URL: app.url,
      API_KEY: apiKey,
      ...variables,
    })
    return running
  }
  /** Resolves when it has kept where it is, from which on nothing is lost. */
  const opened = async (program: ExampleProgram) => {
    await program.says(/following/)
    await expect.poll(placeOf, patience).toBeTruthy()
  }
  const kill = async (program: ExampleProgram) => {
    program.kill('SIGKILL')
    await program.ended
  }
  const placeOf = async () => JSON.parse(await readFile(path.join(folder, 'place.json'), 'utf8').catch(() => 'null'))
  const eventsOf = async (): Promise<{ topic: string; payload?: { label: string }; from?: string }[]> => {
    const text = await readFile(path.join(folder, 'events.ndjson'), 'utf8')
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  }
  const labels = async () =>
    (await eventsOf()).filter(({ topic }) => topic === 'menu.created').map(({ payload }) => payload?.label)
  /** Records events, one after the other; answers their labels. */
  const happen = async (many: number) => {
    const made = Array.from({ length: many }, () => `Œuvre ${++count}`)
    for (const label of made) await admin.menus.create({ code: `menu.${count}.${label.slice(6)}`, label })
    return made
  }

  beforeAll(async () => {
    example = await copyExample('stream')
    site = await createSite()
    app = await site.start()
    admin = await signInAdministrator(app)
    apiKey = (await admin.apiKeys.create({ name: 'follower', scopes: ['events.read'] })).plaintext
  })
  afterEach(async () => {
    if (running) await kill(running)
  })
  afterAll(async () => {
    await app?.close()
    await site?.remove()
    await example?.remove()
  })
  const fresh = async () => {
    folder = path.join(example.folder, `followed-${++count}`)
    await mkdir(folder)
  }

  it('has each event once and in order, however often it is killed', { timeout: 60_000 }, async () => {
    await fresh()
    let program = follow()
    await opened(program)
    const made: string[] = []
    for (let round = 0; round < 6; round += 1) {
      const happening = happen(8)
      // It says so between the line in the file and the place, which is where a kill would do harm.
      await program.says(/menu\.created/)
      await kill(program)
      made.push(...(await happening))
      program = follow()
    }
    await expect.poll(labels, patience).toEqual(made)
  })

  it('cuts off what a crash has left behind its place', async () => {
    await fresh()
    const first = follow()
    await opened(first)
    const made = await happen(2)
    await expect.poll(labels, patience).toEqual(made)
    await expect
      .poll(placeOf, patience)
      .toMatchObject({ bytes: (await readFile(path.join(folder, 'events.ndjson'))).length })
    await kill(first)
    await writeFile(path.join(folder, 'events.ndjson'), '{"topic":"menu.cr', { flag: 'a' })
    follow()
    made.push(...(await happen(1)))
    await expect.poll(labels, patience).toEqual(made)
  })

  it('tells of a gap, and goes on', async () => {
    await fresh()
    await writeFile(path.join(folder, 'place.json'), '{"id":"of-another-log.7","bytes":0}')
    const program = follow()
    await program.says(/gap: events behind of-another-log\.7 are lost/)
    const made = await happen(1)
    await expect.poll(labels, patience).toEqual(made)
    expect((await eventsOf())[0]).toMatchObject({ topic: 'gap', from: 'of-another-log.7' })
  })

  it('waits for a server that is away, and misses nothing of what happens before it is back', async () => {
    await fresh()
    const program = follow()
    await opened(program)
    await app.close()
    await program.says(/no connection to .*: connect ECONNREFUSED/)
    app = await site.start()
    const made = await happen(3)
    await expect.poll(labels, patience).toEqual(made)
  })

  it('ends with the sentence of the server when its key is no good', async () => {
    await fresh()
    const { code, errors } = await follow({ API_KEY: `${apiKey.slice(0, -1)}x` }).ended
    expect([code, errors]).toEqual([
      1,
      expect.stringMatching(/^The API key is not valid.* \(apikey\.invalid, [\w-]+\)\n$/),
    ])
  })
})
