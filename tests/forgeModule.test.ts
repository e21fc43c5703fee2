import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findHalves } from '../server/cli/modules/halves.ts'
import { imageHint } from '../server/cli/modules/imageHint.ts'
import { requireRemovable } from '../server/cli/modules/removal.ts'
import { openStage, type Stage } from '../server/cli/project/stage.ts'
import { modules } from '../server/modules.ts'
import { projectFolder } from '../server/projectFolder.ts'
import { createDatabase } from './support/database.ts'
import { forge } from './support/forge.ts'

const contractFile = `import { z } from 'zod'
import { query } from '../../contract/core.ts'

export const parcels = {
  entries: {
    count: query({
      summary: 'How many parcels there are.',
      http: ['GET', '/api/v1/parcels/count'],
      access: 'public',
      rate: 'read',
      tenancy: 'none',
      output: z.object({ count: z.int() }),
    }),
  },
}
`
const moduleFile = `import { defineModule } from '../../server/rpc/module.ts'
import { parcels as contract } from './contract.ts'

export const parcels = defineModule({
  name: 'parcels',
  contract: contract.entries,
  handlers: { count: async () => ({ count: 0 }) },
})
`

/** A folder that is taken for a project, with a pack in it. */
const withPack = (files: Readonly<Record<string, string>>) => {
  const project = mkdtempSync(path.join(tmpdir(), 'tsforge-module-'))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(project, file)), { recursive: true })
    writeFileSync(path.join(project, file), text)
  }
  return project
}

describe('module list', () => {
  it('names every module with what it needs, answers and keeps, and where it is from', async () => {
    const { code, out } = await forge(['module', 'list', '--json'], {})
    const listed = JSON.parse(out).modules
    expect(code).toBe(0)
    expect(listed.map(({ name }: { name: string }) => name).sort()).toEqual(modules.map(({ name }) => name).sort())
    expect(listed).toContainEqual({
      name: 'sessions',
      kind: 'built-in',
      from: 'server/features/sessions/module.ts',
      needs: [],
      entries: ['list', 'revoke', 'revokeOthers'],
      tables: ['sessions'],
      migrations: null,
    })
    expect((await forge(['module', 'list'], {})).out).toMatch(/^sessions +built-in +3 +1 +- /m)
  })

  it('asks the database for the migrations of modules when told to', async () => {
    const { ownerUrl, appUrl, drop } = await createDatabase()
    const environment = { NODE_ENV: 'test', DATABASE_URL: appUrl, DATABASE_MIGRATE_URL: ownerUrl }
    const { code, out } = await forge(['module', 'list', '--migrations', '--json'], {
      ...environment,
      JWT_SECRET: 'a signing secret for tests, 32 bytes or more',
    })
    await drop()
    expect(code).toBe(0)
    expect(JSON.parse(out).modules[0].migrations).toEqual({ applied: [], pending: [] })
  })
})

describe('routes', () => {
  it('lists the entries of a module, and takes no other word for one', async () => {
    const { code, out } = await forge(['routes', '--module', 'sessions', '--json'], {})
    const keys = JSON.parse(out).routes.map(({ key }: { key: string }) => key)
    expect([code, keys]).toEqual([0, ['sessions.list', 'sessions.revoke', 'sessions.revokeOthers']])
    const unknown = await forge(['routes', '--module', 'parcels'], {})
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringMatching(/^There is no module parcels: choose of /)])
  })
})

describe('what is refused', () => {
  const refusal = async (...args: string[]) => {
    const { code, err } = await forge(['module', ...args], {})
    return [code, err.split(':', 1)[0], err]
  }

  it.each([
    ['a module that is listed', ['add', 'menus'], 1, /^Nothing was done: menus is listed already/],
    [
      'a feature that is not written',
      ['add', 'parcels'],
      1,
      /contract\/parcels\.ts and server\/features\/parcels\/module\.ts are not there/,
    ],
    ['a folder elsewhere', ['add', 'server/features/menus'], 2, /is no folder in examples\//],
    ['what is outside of the project', ['add', '/tmp'], 2, /is no folder in examples\//],
    ['a built-in one', ['remove', 'menus'], 1, /menus is built in/],
    ['one that is not there', ['remove', 'parcels'], 2, /there is no module parcels; module list shows all/],
  ])('%s', async (_what, args, code, message) => {
    expect(await refusal(...args)).toEqual([code, 'Nothing was done', expect.stringMatching(message)])
  })

  it.each([
    ['no other half', { 'module.ts': moduleFile }, /examples\/parcels\/contract\.ts is not there/],
    [
      'two names',
      { 'contract.ts': contractFile, 'module.ts': moduleFile.replace("'parcels'", "'boxes'") },
      /with the same name twice/,
    ],
    [
      'two modules',
      { 'contract.ts': contractFile, 'module.ts': `${moduleFile}${moduleFile}` },
      /with the same name twice/,
    ],
    [
      'no contract of the name',
      { 'contract.ts': 'export const boxes = {}\n', 'module.ts': moduleFile },
      /exports no `parcels`/,
    ],
  ])('a pack with %s', (_what, files, message) => {
    const placed = Object.entries(files).map(([file, text]) => [`examples/parcels/${file}`, text] as const)
    const project = withPack(Object.fromEntries(placed))
    expect(() => findHalves(project, 'examples/parcels')).toThrow(message)
    rmSync(project, { recursive: true })
  })
})

describe('a module is removed', () => {
  const named = (name: string, needs: readonly string[] = []) => ({ name, contract: {}, handlers: {}, needs })
  const all = [named('menus'), named('parcels'), named('vans', ['parcels'])]

  it('when it was added and nothing needs it', () => {
    expect(() => requireRemovable('vans', all, ['parcels', 'vans'])).not.toThrow()
    expect(() => requireRemovable('parcels', all, ['parcels', 'vans'])).toThrow('vans needs parcels: remove that first')
    expect(() => requireRemovable('vans', all, [])).toThrow('vans is built in')
  })
})

describe('the image', () => {
  it.each([
    [
      'lacks a pack where nothing copies it',
      'COPY server ./server\n',
      'examples/parcels/module.ts',
      /add `COPY examples/,
    ],
    ['has it where it is copied', 'COPY examples ./examples\n', 'examples/parcels/module.ts', /^$/],
    ['has what is no pack', 'COPY server ./server\n', 'server/features/parcels/module.ts', /^$/],
  ])('%s', (_what, dockerfile, module, hint) => {
    const project = withPack({ Dockerfile: dockerfile })
    expect(imageHint(project, module)).toMatch(hint)
    rmSync(project, { recursive: true })
  })
})

/** The tests that change nothing come first: the copy is bundled anew when a source of it has changed. */
describe('a pack in a copy of the project', { timeout: 300_000 }, () => {
  let copy: Stage
  beforeAll(() => {
    copy = openStage(projectFolder)
    copy.write('examples/parcels/contract.ts', contractFile)
    copy.write('examples/parcels/module.ts', moduleFile)
    copy.write('examples/lone/contract.ts', contractFile)
    copy.write('examples/lone/module.ts', moduleFile.replace('handlers:', "needs: ['boxes'],\n  handlers:"))
  })
  afterAll(() => copy.discard())

  const module = (...args: string[]) => {
    const program = path.join(copy.folder, 'scripts/forge.mjs')
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'module', ...args], {
      cwd: copy.folder,
      encoding: 'utf8',
    })
    return { status, stdout, stderr }
  }
  const contents = () =>
    Object.fromEntries(copy.files().map((file) => [file, readFileSync(path.join(copy.folder, file), 'latin1')]))

  const lists = ['contract/modules.ts', 'server/modules.ts']

  it('is planned with --dry-run, and nothing is changed', () => {
    const before = contents()
    const { status, stdout } = module('add', 'examples/parcels', '--dry-run', '--json')
    expect([status, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ created: [], changed: lists, dry_run: true }),
    ])
    expect(contents()).toEqual(before)
  })

  it('is not listed when the modules would not fit together, and nothing is changed', () => {
    const before = contents()
    const { status, stderr } = module('add', 'examples/lone', '--no-types')
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/Nothing was done: the list of modules failed.[\s\S]*boxes/),
    ])
    expect(contents()).toEqual(before)
  })

  it('is listed by two lines and what follows from them, and leaves no trace when removed', () => {
    const before = contents()
    const added = module('add', 'examples/parcels', '--no-types', '--json')
    const { created, changed } = JSON.parse(added.stdout)
    expect([created, changed]).toEqual([[], expect.arrayContaining([...lists, 'contract/openapi.json'])])
    expect(contents()['contract/openapi.json']).toContain('/api/v1/parcels/count')
    expect(module('list').stdout).toMatch(/^parcels +added +1 +0 .* examples\/parcels\/module\.ts$/m)
    const removed = module('remove', 'parcels', '--no-types')
    expect([removed.status, removed.stdout]).toEqual([0, expect.stringContaining('parcels is no longer listed')])
    expect(contents()).toEqual(before)
  })
})
