import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import {
  addressSet,
  ConfigError,
  childEnvironment,
  developmentSecret,
  loadConfig,
  readConfig,
} from '../server/config.ts'
import { renderConfigurationPage, renderEnvExample } from '../server/platform/configuration/documentation.ts'
import { editDistance } from '../server/platform/configuration/similarNames.ts'
import { name as ownName } from '../server/version.ts'

const secret = 'a development secret of more than 32 bytes'
const production = { NODE_ENV: 'production', DATABASE_URL: 'postgres://app:pw@db:5432/app', JWT_SECRET: secret }
const scratch = mkdtempSync(join(tmpdir(), 'tsforge-config-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const read = (environment: Record<string, string>) => readConfig(environment, () => secret)

function problemsOf(environment: Record<string, string>): Record<string, { expected: string; found: string }> {
  try {
    read(environment)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return Object.fromEntries(error.problems.map((problem) => [problem.name, problem]))
  }
  return {}
}

function scratchFile(name: string, text: string): string {
  const path = join(scratch, name)
  writeFileSync(path, text)
  return path
}

function keyPair(kind: 'ed25519' | 'p256', kid: string) {
  const pair =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const half = (key: typeof pair.publicKey) => ({ ...key.export({ format: 'jwk' }), kid })
  return { public: half(pair.publicKey), private: half(pair.privateKey) }
}

const keySet = (...keys: object[]) => JSON.stringify({ keys })

describe('defaults', () => {
  test('an empty environment is a complete development configuration', () => {
    const config = read({})
    expect(config).toMatchObject({
      environment: 'development',
      serviceName: ownName,
      logLevel: 'info',
      http: { host: '127.0.0.1', port: 8080, adapter: 'auto', workers: 1, bodyLimitBytes: 1_048_576, drainSeconds: 0 },
      database: {
        url: undefined,
        migrateUrl: undefined,
        maxConnections: 20,
        statementCache: true,
        migrateOnStart: true,
      },
      auth: { jwtSecret: secret, jwtKeys: undefined, previousSecrets: [], issuer: ownName, audience: ownName },
      hashing: { memoryKib: 65536, iterations: 3, parallelism: 2, queueLength: 64 },
      limits: { ratePerMinute: 120 },
      warnings: [],
    })
    expect(config.auth.accessTtlSeconds).toBe(900)
    expect(config.auth.refreshTtlSeconds).toBe(604_800)
    expect(config.http.shutdownSeconds).toBe(15)
    expect(config.hashing.concurrency).toBeGreaterThan(0)
  })

  test('production listens everywhere, drains, and leaves migrations to the deployment', () => {
    const config = read(production)
    expect(config.http).toMatchObject({ host: '0.0.0.0', drainSeconds: 5 })
    expect(config.database).toMatchObject({
      migrateOnStart: false,
      migrateUrl: production.DATABASE_URL,
      listenUrl: production.DATABASE_URL,
      gateUrl: undefined,
    })
  })

  test('an empty value counts as unset', () => {
    expect(read({ PORT: '', HOST: '', JWT_SECRET: '', CORS_ORIGINS: '' }).http).toMatchObject({
      port: 8080,
      corsOrigins: [],
    })
  })

  test('the result is frozen to the last level', () => {
    const config = read({ CORS_ORIGINS: 'https://a.example', JWT_KEYS: keySet(keyPair('p256', 'a').private) })
    for (const part of [config, config.http, config.http.corsOrigins, config.auth, config.auth.jwtKeys?.[0]]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})

describe('values', () => {
  test.each(['12x', '1e3', '0x10', '1.5', '-1', '65536', 'eight', '1 2'])('PORT=%s is refused', (PORT) => {
    expect(Object.keys(problemsOf({ PORT }))).toEqual(['PORT'])
  })

  test('spaces around a number are ignored', () => expect(read({ PORT: ' 5 ' }).http.port).toBe(5))

  test.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('boolean %s', (text, value) => {
    expect(read({ DATABASE_STATEMENT_CACHE: text }).database.statementCache).toBe(value)
  })

  test.each(['yes', 'TRUE', 'on'])('boolean %s is refused', (text) => {
    expect(problemsOf({ MIGRATE_ON_START: text })).toHaveProperty('MIGRATE_ON_START')
  })

  test('CORS origins are exact', () => {
    const accepted = ['https://app.example.com', 'http://localhost:5173', 'capacitor://localhost', 'http://[::1]:3000']
    expect(read({ CORS_ORIGINS: ` ${accepted.join(' , ')},` }).http.corsOrigins).toEqual(accepted)
    const refused = [
      'https://a.example/',
      'https://A.example',
      'a.example',
      'https://a.example:443',
      'null',
      'https://*.a',
    ]
    for (const origin of refused) expect(problemsOf({ CORS_ORIGINS: origin }), origin).toHaveProperty('CORS_ORIGINS')
    expect(read({ CORS_ORIGINS: '*' }).http.corsOrigins).toEqual(['*'])
    expect(problemsOf({ CORS_ORIGINS: '*,https://a.example' })).toHaveProperty('CORS_ORIGINS')
  })

  test('trusted proxies are addresses and ranges', () => {
    const proxies = read({ TRUSTED_PROXIES: '10.0.0.0/8, 127.0.0.1, fd00::/8' }).http.trustedProxies
    expect(proxies).toEqual(['10.0.0.0/8', '127.0.0.1', 'fd00::/8'])
    expect(addressSet(proxies).check('10.2.3.4')).toBe(true)
    expect(addressSet(proxies).check('fd12::1', 'ipv6')).toBe(true)
    expect(addressSet(proxies).check('192.0.2.1')).toBe(false)
    for (const entry of ['10.0.0.0/33', '10.0.0', 'proxy.local', '10.0.0.0/', '::1/129', '10.0.0.0/8/8', '1.2.3.4/x']) {
      expect(problemsOf({ TRUSTED_PROXIES: entry }), entry).toHaveProperty('TRUSTED_PROXIES')
    }
  })

  test('database URLs', () => {
    expect(read({ DATABASE_URL: 'postgresql:///app?host=/run/postgresql' }).database.url).toContain('/app')
    expect(problemsOf({ DATABASE_URL: 'mysql://app@db/app' })).toHaveProperty('DATABASE_URL')
    expect(problemsOf({ DATABASE_URL: 'localhost:5432' })).toHaveProperty('DATABASE_URL')
  })
})

describe('rules', () => {
  test('production names everything it lacks at once', () => {
    expect(Object.keys(problemsOf({ NODE_ENV: 'production' })).sort()).toEqual(['DATABASE_URL', 'JWT_SECRET'])
    expect(problemsOf({ ...production, CORS_ORIGINS: '*' })).toHaveProperty('CORS_ORIGINS')
  })

  test('a malformed value is not reported as missing too', () => {
    const problems = problemsOf({ ...production, DATABASE_URL: 'mysql://x' })
    expect(problems.DATABASE_URL?.expected).toContain('postgres://')
  })

  test('a key set replaces the secret, and nothing is made', () => {
    const environment = { NODE_ENV: 'production', DATABASE_URL: production.DATABASE_URL }
    const JWT_KEYS = keySet(keyPair('ed25519', 'now').private, keyPair('p256', 'before').public)
    const config = readConfig({ ...environment, JWT_KEYS }, () => expect.unreachable('asked for a secret'))
    expect(config.auth.jwtSecret).toBeUndefined()
    expect(config.auth.jwtKeys?.map((key) => [key.kid, key.alg, key.d !== undefined])).toEqual([
      ['now', 'EdDSA', true],
      ['before', 'ES256', false],
    ])
  })

  test('key sets that could not work are refused with a reason', () => {
    const good = keyPair('ed25519', 'a').private
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' })
    const cases: [string, string][] = [
      ['{', 'not JSON'],
      [keySet(), 'keys is empty'],
      [keySet({ ...good, kid: undefined }), 'kid'],
      [keySet(good, good), 'same kid'],
      [keySet(keyPair('p256', 'b').public), 'no key has a private part'],
      [keySet({ ...good, x: keyPair('ed25519', 'c').public.x }), 'not a valid key pair'],
      [keySet({ ...rsa, kid: 'r' }), 'kty'],
      [keySet({ ...good, alg: 'HS256' }), 'alg EdDSA'],
      [keySet({ ...good, d: 'short' }), '32 bytes'],
    ]
    for (const [JWT_KEYS, reason] of cases) expect(problemsOf({ JWT_KEYS }).JWT_KEYS?.found).toContain(reason)
  })

  test('signing secrets are long and not one character', () => {
    for (const JWT_SECRET of ['x'.repeat(31), 'x'.repeat(40)]) {
      expect(problemsOf({ JWT_SECRET })).toHaveProperty('JWT_SECRET')
    }
    expect(read({ JWT_SECRET: 'ü1'.repeat(11) }).auth.jwtSecret).toHaveLength(22)
    expect(problemsOf({ JWT_PREVIOUS_SECRETS: `${secret},short` })).toHaveProperty('JWT_PREVIOUS_SECRETS')
    expect(read({ JWT_PREVIOUS_SECRETS: `${secret}, ${secret}2` }).auth.previousSecrets).toEqual([secret, `${secret}2`])
  })

  test('weak hashing needs a test or a word', () => {
    const weak = { ARGON2_MEMORY_KIB: '1024', ARGON2_ITERATIONS: '1', ARGON2_PARALLELISM: '1' }
    expect(Object.keys(problemsOf(weak))).toEqual(['ARGON2_MEMORY_KIB', 'ARGON2_ITERATIONS'])
    expect(read({ ...weak, NODE_ENV: 'test' }).warnings).toEqual([])
    const allowed = read({ ...weak, ALLOW_WEAK_HASHING: 'true' })
    expect(allowed.hashing).toMatchObject({ memoryKib: 1024, iterations: 1, parallelism: 1 })
    expect(allowed.warnings).toHaveLength(1)
    expect(read({ ALLOW_WEAK_HASHING: 'true' }).warnings).toEqual([])
    expect(problemsOf({ NODE_ENV: 'test', ARGON2_MEMORY_KIB: '8' })).toHaveProperty('ARGON2_MEMORY_KIB')
  })

  test('refresh tokens outlive access tokens', () => {
    const times = { ACCESS_TTL_SECONDS: '600', REFRESH_TTL_SECONDS: '600' }
    expect(problemsOf(times)).toHaveProperty('REFRESH_TTL_SECONDS')
  })

  test('a side door to a database needs the main one', () => {
    expect(problemsOf({ DATABASE_REPLICA_URL: production.DATABASE_URL })).toHaveProperty('DATABASE_URL')
  })
})

describe('reporting', () => {
  test('everything wrong comes in one readable error without a secret in it', () => {
    const environment = { PORT: '12x', JWT_SECRET: 'hunter2', DATABASE_URL: 'mysql://u:hunter2@h/d', LOG_LEVEL: 'loud' }
    const problems = problemsOf(environment)
    expect(Object.keys(problems).sort()).toEqual(['DATABASE_URL', 'JWT_SECRET', 'LOG_LEVEL', 'PORT'])
    const failing = () => read(environment)
    expect(failing).toThrow('4 configuration problems.')
    expect(failing).toThrow(
      /PORT\n +expected: an integer from 0 to 65535\n +found: +"12x"\n +fix: +set it, as in PORT=8080/,
    )
    expect(failing).toThrow('a hidden text of 7 bytes; shorter than 32 bytes')
    expect(JSON.stringify(problems)).not.toContain('hunter2')
  })

  test('misspelt names are pointed out, others are not', () => {
    const set = {
      DATABSE_URL: 'x',
      JWT_SECERT: 'x',
      PROT: '1',
      JWT_SECRET_FIL: '',
      HOME: '/root',
      HOSTNAME: 'h',
      PATH: '/',
    }
    expect(read(set).warnings).toEqual([
      'DATABSE_URL is not a known variable: did you mean DATABASE_URL?',
      'JWT_SECERT is not a known variable: did you mean JWT_SECRET?',
      'PROT is not a known variable: did you mean PORT?',
    ])
    expect(editDistance('kitten', 'sitten')).toBe(1)
    expect(editDistance('ab', 'ba')).toBe(1)
    expect(editDistance('LOG_LEVEL', 'LOGLEVLE')).toBe(2)
  })
})

describe('files', () => {
  test('a secret comes from the file that <NAME>_FILE names', () => {
    const file = scratchFile('jwt', `${secret}\n`)
    expect(read({ JWT_SECRET_FILE: file }).auth.jwtSecret).toBe(secret)
    expect(read({ DATABASE_URL_FILE: scratchFile('db', 'postgres://a@b/c\r\n') }).database.url).toBe('postgres://a@b/c')
    expect(read({ ADMIN_TOKEN_FILE: scratchFile('admin', 'token') }).adminToken).toBe('token')
  })

  test('both, missing, empty and unusable files are problems that name the path', () => {
    const file = scratchFile('jwt2', secret)
    expect(problemsOf({ JWT_SECRET: secret, JWT_SECRET_FILE: file }).JWT_SECRET?.found).toBe('both are set')
    const absent = join(scratch, 'absent')
    expect(problemsOf({ JWT_SECRET_FILE: absent }).JWT_SECRET?.found).toContain(`${absent} cannot be read (ENOENT)`)
    expect(problemsOf({ ADMIN_TOKEN_FILE: scratch }).ADMIN_TOKEN?.found).toContain('EISDIR')
    expect(problemsOf({ ADMIN_TOKEN_FILE: scratchFile('empty', '\n') }).ADMIN_TOKEN?.found).toContain('empty file')
    const short = scratchFile('short', 'hunter2')
    expect(problemsOf({ JWT_SECRET_FILE: short }).JWT_SECRET?.found).toBe(
      `a hidden text of 7 bytes in ${short}; shorter than 32 bytes`,
    )
  })

  test('.env fills what the environment leaves open, and never overrides it', () => {
    const directory = mkdtempSync(join(scratch, 'env-'))
    writeFileSync(join(directory, '.env'), `PORT=1111\nHOST=::1\nLOG_LEVEL=debug\nJWT_SECRET="${secret}"\n# note\n`)
    const config = loadConfig({ PORT: '2222', LOG_LEVEL: '' }, directory)
    expect(config.http).toMatchObject({ port: 2222, host: '::1' })
    expect(config.logLevel).toBe('info')
    expect(config.auth.jwtSecret).toBe(secret)
    const file = scratchFile('other', `${secret}, another`)
    expect(loadConfig({ JWT_SECRET_FILE: file }, directory).auth.jwtSecret).toBe(`${secret}, another`)
  })

  test('an unreadable .env stops the start', () => {
    const directory = mkdtempSync(join(scratch, 'env-'))
    mkdirSync(join(directory, '.env'))
    expect(() => loadConfig({}, directory)).toThrow(/\.env cannot be read \(EISDIR\)/)
  })

  test('child processes inherit no secret', () => {
    const environment = { PATH: '/bin', JWT_SECRET: secret, DATABASE_URL_FILE: '/x', PORT: '1' }
    expect(childEnvironment({ TZ: 'UTC' }, environment)).toEqual({ PATH: '/bin', PORT: '1', TZ: 'UTC' })
  })
})

describe('the development secret', () => {
  test('is made once, kept, and readable by its owner only', () => {
    const dataDir = join(scratch, 'fresh', 'data')
    const first = developmentSecret(dataDir)
    expect(Buffer.byteLength(first)).toBeGreaterThanOrEqual(32)
    expect(developmentSecret(dataDir)).toBe(first)
    expect(loadConfig({ DATA_DIR: dataDir }, scratch).auth.jwtSecret).toBe(first)
    expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600)
  })

  test('is the same for all who start at once', async () => {
    const dataDir = join(scratch, 'race')
    const module = new URL('../server/platform/configuration/developmentSecret.ts', import.meta.url).href
    const source = `import('tsx/esm/api').then(async ({ tsImport }) => {
      const { developmentSecret } = await tsImport(${JSON.stringify(module)}, ${JSON.stringify(import.meta.url)})
      require('node:worker_threads').parentPort.postMessage(developmentSecret(${JSON.stringify(dataDir)}))
    })`
    const secrets = await Promise.all([1, 2, 3].map(() => messageOf(new Worker(source, { eval: true }))))
    expect(new Set(secrets)).toEqual(new Set([developmentSecret(dataDir)]))
  })

  test('a damaged or unwritable place is said in one sentence', () => {
    const dataDir = mkdtempSync(join(scratch, 'damaged-'))
    writeFileSync(join(dataDir, 'secrets.json'), '{"jwtSecret":"hunter2"}')
    expect(() => developmentSecret(dataDir)).toThrow(/secrets\.json: damaged/)
    expect(() => developmentSecret(scratchFile('plain', ''))).toThrow(/ENOTDIR/)
  })
})

function messageOf(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
}

describe('documentation', () => {
  const project = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

  test('docs/configuration.md and .env.example are what the table says', () => {
    expect(project('docs/configuration.md')).toBe(renderConfigurationPage())
    expect(project('.env.example')).toBe(renderEnvExample())
  })

  test('a copied .env.example changes nothing', () => {
    const directory = mkdtempSync(join(scratch, 'example-'))
    writeFileSync(join(directory, '.env'), renderEnvExample())
    expect(loadConfig({ JWT_SECRET: secret }, directory)).toEqual(read({ JWT_SECRET: secret }))
  })

  test('every example and default in .env.example is valid', () => {
    const lines = renderEnvExample().matchAll(/^# ([A-Z0-9_]+)=(.+)$/gm)
    expect(problemsOf(Object.fromEntries([...lines].map(([, name = '', text = '']) => [name, text])))).toEqual({})
  })
})
