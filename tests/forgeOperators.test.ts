import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { name as ownName } from '../server/version.ts'
import { startApp, type TestApp } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { forge, type Typing } from './support/forge.ts'

let folder = ''
let database: TestDatabase
let app: TestApp
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tsforge-operators-'))
  database = await createDatabase()
  app = await startApp({ database })
})
afterAll(async () => {
  await app.close()
  await database.drop()
  rmSync(folder, { recursive: true })
})

type Environment = Readonly<Record<string, string>>
const environment = (more: Environment = {}): Environment => ({
  NODE_ENV: 'test',
  PORT: '0',
  DATA_DIR: folder,
  JWT_SECRET: 'a signing secret for tests, 32 bytes or more',
  DATABASE_URL: database.appUrl,
  DATABASE_GATE_URL: database.gateUrl,
  DATABASE_MIGRATE_URL: database.ownerUrl,
  ARGON2_MEMORY_KIB: '256',
  ARGON2_ITERATIONS: '1',
  ARGON2_PARALLELISM: '1',
  ...more,
})
const run = (args: readonly string[], more: Environment = {}, typing: Typing = {}) =>
  forge(args, environment(more), typing)

interface Finding {
  readonly check: string
  readonly state: string
  readonly found: string
  readonly fix?: string
}
const examine = async (more: Environment = {}) => {
  const { code, out } = await run(['doctor', '--json'], more)
  const { findings } = JSON.parse(out) as { findings: Finding[] }
  return { code, findings, of: (check: string) => findings.find((finding) => finding.check === check) }
}

describe('doctor', () => {
  it('finds nothing wrong where nothing is', async () => {
    const { code, findings } = await examine()
    expect([code, findings.filter(({ state }) => state === 'failed')]).toEqual([0, []])
    const checks = [
      'node',
      'hashing',
      'signing',
      'disk',
      'port',
      'database',
      'role app',
      'role gate',
      'role owner',
      'migrations',
      'clock',
    ]
    expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(checks))
  })

  it('goes on without the database, and says what to do', async () => {
    const { code, of } = await examine({ DATABASE_URL: 'postgres://eve:hunter2@127.0.0.1:1/x' })
    expect([code, of('database')?.state, of('database')?.fix]).toEqual([
      1,
      'failed',
      'start it, or correct DATABASE_URL',
    ])
    expect(JSON.stringify(of('database'))).not.toContain('hunter2')
    expect(of('hashing')?.state).toBe('ok')
  })

  it('shows all bad variables at once', async () => {
    const { code, findings } = await examine({ PORT: 'x', LOG_LEVEL: 'loud', JWT_SECRET: 'hunter2' })
    const names = findings.filter(({ check }) => check === 'config').map(({ found }) => found.split(' ')[0])
    expect([code, names.sort()]).toEqual([1, ['JWT_SECRET', 'LOG_LEVEL', 'PORT']])
    expect(JSON.stringify(findings)).not.toContain('hunter2')
  })

  it('tells a role with powers over row security', async () => {
    const { of } = await examine({ DATABASE_URL: database.ownerUrl })
    expect(of('role app')).toMatchObject({ state: 'warning', found: expect.stringContaining('owns tables') })
    const weak = await examine({ DATABASE_MIGRATE_URL: database.appUrl })
    expect([weak.code, weak.of('role owner')?.state]).toEqual([1, 'failed'])
  })

  it('tells a port that is taken, proxies that let anybody lie, and a replica that follows nobody', async () => {
    const taken = await new Promise<Server>((resolve) => {
      const server = createServer((socket) => socket.destroy())
      server.listen(0, '127.0.0.1', () => resolve(server))
    })
    const { port } = taken.address() as { port: number }
    const { of } = await examine({
      PORT: String(port),
      TRUSTED_PROXIES: '0.0.0.0/0',
      DATABASE_REPLICA_URL: database.appUrl,
    })
    taken.close()
    expect([of('port')?.state, of('proxies')?.state, of('replica')?.state]).toEqual(['failed', 'failed', 'warning'])
    const serving = await examine({ PORT: new URL(app.url).port })
    expect(serving.of('port')?.found).toContain(`is served by ${ownName}`)
  })
})

describe('status', () => {
  it('shows what the running server does', async () => {
    const { code, out } = await run(['status', '--json'], { PORT: new URL(app.url).port })
    const status = JSON.parse(out)
    expect([code, status.live, status.ready, status.url]).toEqual([0, true, true, app.url])
    expect(status.modules.map(({ name }: { name: string }) => name)).toContain('menus')
    expect(status.pools.app.max).toBe(6)
    expect(status.process.requests).toBeGreaterThan(0)
    expect(status.duties.map(({ name }: { name: string }) => name)).toContain('sessions.forget')
    expect((await run(['status', '--url', app.url])).out).toMatch(/^ready +yes$/m)
  })

  it('says in a sentence that nothing runs', async () => {
    const { code, out, err } = await run(['status', '--url', 'http://127.0.0.1:1'])
    expect([code, out, err]).toEqual([
      1,
      '',
      expect.stringMatching(/^Nothing answers at http:\/\/127\.0\.0\.1:1.*: start the server/),
    ])
  })
})

describe('config', () => {
  it('names the source of each value, and never prints a secret', async () => {
    const { out } = await run(['config', '--json'], { ADMIN_TOKEN: 'hunter2' })
    const { variables } = JSON.parse(out)
    const of = (name: string) => variables.find((row: { name: string }) => row.name === name)
    expect(of('PORT')).toEqual({ name: 'PORT', value: '0', source: 'environment' })
    expect(of('ADMIN_TOKEN')).toEqual({ name: 'ADMIN_TOKEN', value: null, bytes: 7, source: 'environment' })
    expect(of('LOG_LEVEL')).toEqual({ name: 'LOG_LEVEL', value: 'info', source: 'default' })
    expect(out).not.toContain('hunter2')
  })

  it('shows flags that are set, and no password in an address', async () => {
    const { out } = await run(['config', '--json'], {
      FLAG_REGISTRATION: 'false',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://eve:hunter2@127.0.0.1:4318/base',
    })
    expect(JSON.parse(out).variables).toEqual(
      expect.arrayContaining([
        { name: 'FLAG_REGISTRATION', value: 'false', source: 'environment' },
        { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://127.0.0.1:4318/base', source: 'environment' },
      ]),
    )
  })
})

describe('seed and repl', { timeout: 60_000 }, () => {
  it('makes a demonstration once, also while strangers may not register, and a script calls as its people', async () => {
    const first = JSON.parse((await run(['seed', '--demo', '--json'], { FLAG_REGISTRATION: 'false' })).out)
    expect(first.made).toContain('tenant demo-company')
    const again = JSON.parse((await run(['seed', '--demo', '--json'])).out)
    expect([again.made, again.password, again.tenant]).toEqual([[], undefined, first.tenant])
    const login = { email: 'mira@demo.example.org', password: first.password }
    expect((await app.request('POST', '/api/v1/auth/login', { body: login })).status).toBe(200)
    const lines = `const who = { as: '${login.email}', tenant: '${first.tenant.id}' }\n(await call('access.mine', {}, who)).permissions\n`
    const script = await run(['repl', '--json'], {}, { typed: lines })
    expect([script.code, JSON.parse(script.out).sort()]).toEqual([0, ['menu.manage', 'users.read']])
    const refused = await run(
      ['repl'],
      {},
      { typed: `1 + 1\nawait call('permissions.list', {}, { as: '${login.email}' })\n3\n` },
    )
    expect([refused.code, refused.out]).toEqual([1, '2\n'])
    expect(refused.err).toContain('permissions.list was refused: rbac.permission_required')
  })

  it('prints the password of a demonstration that breaks off, and says why in a sentence', async () => {
    const other = await createDatabase()
    const owner = { email: 'eve@example.org', name: 'Eve', password: 'correct horse battery' }
    const lines = `await call('auth.register', ${JSON.stringify(owner)})\nawait call('tenants.create', { name: 'Eve', slug: 'demo-company' }, { as: '${owner.email}' })\n`
    const addresses = {
      DATABASE_URL: other.appUrl,
      DATABASE_GATE_URL: other.gateUrl,
      DATABASE_MIGRATE_URL: other.ownerUrl,
    }
    expect((await run(['repl'], addresses, { typed: lines })).code).toBe(0)
    const { code, out, err } = await run(['seed', '--demo'], addresses)
    await other.drop()
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(
      /^Accounts that were added .* have the password \S{20}\nThe tenant demo-company belongs to .*\n$/,
    )
  })

  it('says in a sentence that a result has no form in JSON', async () => {
    const { code, err } = await run(['repl', '--json'], {}, { typed: '10n\n' })
    expect([code, err]).toEqual([1, expect.stringMatching(/^A result has no form in JSON: TypeError: .*\n$/)])
  })

  it('is refused in production without --yes', async () => {
    const { code, err } = await run(['seed', '--demo'], {
      NODE_ENV: 'production',
      ARGON2_MEMORY_KIB: '19456',
      ARGON2_ITERATIONS: '2',
    })
    expect([code, err]).toEqual([2, expect.stringMatching(/add --yes if you mean it/)])
  })
})
