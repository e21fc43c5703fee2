import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectFiles } from '../server/cli/project/projectFiles.ts'
import { projectFolder } from '../server/projectFolder.ts'

/**
 * Who may import whom: folder -> what it may name. The longest folder that fits a file decides. `node:*` and the own
 * folder are always allowed. The README prints this table.
 */
const allowed: Record<string, readonly string[]> = {
  contract: ['zod'],
  'contract/modules.ts': ['contract', 'examples'],
  db: ['drizzle-orm', 'pg', 'uuidv7'],
  'server/context.ts': ['pino', 'contract', 'db', 'server/platform'],
  'server/config.ts': ['contract', 'server/platform/configuration', 'server/platform/tracing/openTracing.ts'],
  'server/background.ts': ['pino', 'db', 'server/config.ts', 'server/platform', 'server/rpc'],
  'server/database.ts': ['pino', 'contract', 'db', 'server/config.ts', 'server/pools.ts', 'server/schema.ts'],
  'server/pools.ts': ['pino', 'db', 'server/config.ts', 'server/platform'],
  'server/devState.ts': ['contract', 'db', 'server/features', 'server/platform'],
  'server/identities.ts': ['pino', 'db', 'server/features', 'server/platform', 'server/rpc'],
  'server/log.ts': ['pino', 'pino-pretty', 'server/config.ts', 'server/platform/logLines.ts'],
  'server/version.ts': ['package.json'],
  'server/projectFolder.ts': [],
  'server/address.ts': [],
  'server/http': [
    'contract',
    'server/platform/budgets.ts',
    'server/platform/events/stream.ts',
    'server/platform/load.ts',
    'server/platform/tracing',
    'zod',
    'pino',
    'jose',
    '@trpc/server',
    'server/context.ts',
    'server/rpc',
  ],
  'server/http/uws.ts': ['uWebSockets.js', 'server/http'],
  'server/http/nodeSocket.ts': ['ws', 'server/http'],
  'server/rpc': [
    'contract',
    'db',
    'drizzle-orm',
    'zod',
    'pino',
    '@trpc/server',
    'server/context.ts',
    'server/platform',
  ],
  'server/rpc/document': ['contract', 'zod', '@trpc/server', 'trpc-to-openapi', 'server/version.ts'],
  'server/platform': [
    'contract',
    'db',
    'zod',
    'pino',
    'jose',
    'lru-cache',
    'prom-client',
    'rate-limiter-flexible',
    'ioredis',
    'server/rpc',
    'server/config.ts',
    'server/version.ts',
  ],
  'server/platform/consumers': [
    'contract',
    'db',
    'drizzle-orm',
    'pino',
    'server/platform/events',
    'server/platform/tracing',
    'server/platform/within.ts',
  ],
  'server/platform/duties': [
    'pino',
    'drizzle-orm',
    'croner',
    'db',
    'server/platform/tracing',
    'server/platform/within.ts',
  ],
  'server/platform/flags': ['contract', 'db', 'drizzle-orm', 'pino', 'zod', 'server/platform'],
  'server/platform/events': ['contract', 'db', 'drizzle-orm', 'pg', 'pino', 'zod', 'server/rpc', 'server/platform'],
  'server/platform/replica': ['pino', 'pg', 'drizzle-orm', 'db', 'server/platform/metrics'],
  'server/platform/tracing': [
    'db',
    'pino',
    'server/platform/within.ts',
    '@opentelemetry/api',
    '@opentelemetry/exporter-trace-otlp-http',
    '@opentelemetry/resources',
    '@opentelemetry/sdk-trace',
  ],
  'server/platform/hashing': ['hash-wasm', '@node-rs/argon2'],
  'server/platform/configuration': ['contract', 'zod', 'server/version.ts'],
  'server/features': ['contract', 'db', 'drizzle-orm', 'uuidv7', 'server/context.ts', 'server/rpc', 'server/platform'],
  'server/modules.ts': ['contract', 'examples', 'server/features', 'server/rpc'],
  'server/app.ts': ['pino', 'contract', 'db', 'server'],
  'server/calls.ts': ['db', 'server'],
  'server/routes.ts': ['contract', 'server'],
  'server/web.ts': ['server'],
  'server/main.ts': ['server'],
  'server/migrate.ts': ['server'],
  'server/services.ts': ['db', 'server/config.ts', 'server/context.ts', 'server/platform'],
  'server/schema.ts': ['contract', 'db', 'server'],
  'server/serve.ts': ['pino', 'server'],
  'server/supervise.ts': ['pino', 'server'],
  'server/cli': ['commander', 'pluralize', 'contract', 'db', 'drizzle-orm', 'uuidv7', 'zod', 'server'],
  // Of zod and @trpc/server it takes types alone; clientProgram.test.ts looks at what is loaded.
  'client-sdk': ['contract', 'zod', '@trpc/client', '@trpc/server'],
}

const files = projectFiles(projectFolder).filter((file) =>
  /^(?:contract|db|server|client-sdk)\/.*\.(?:ts|js)$/.test(file),
)

const importsOf = (text: string) =>
  [...text.matchAll(/^(?:import|export)\s(?:[^'`;]*?\sfrom\s)?'([^']+)'|\bimport\('([^']+)'\)/gm)].map(
    ([, still, lazy]) => still ?? lazy ?? '',
  )

/** `../../contract/define.ts` seen from a file becomes `contract/define.ts`; a package keeps its name. */
const targetOf = (file: string, specifier: string) => {
  if (specifier.startsWith('.')) return path.posix.join(path.posix.dirname(file), specifier)
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

const within = (place: string, folder: string) => place === folder || place.startsWith(`${folder}/`)

const ruleOf = (file: string) =>
  Object.keys(allowed)
    .filter((place) => within(file, place))
    .sort((a, b) => b.length - a.length)[0]

const isAllowed = (rule: string, target: string) => {
  if (target.startsWith('node:') || target.startsWith('contract/openapi.json')) return true
  const own = rule.endsWith('.ts') ? [] : [rule]
  return [...own, ...(allowed[rule] ?? [])].some((place) => within(target, place))
}

const breaches = files.flatMap((file) => {
  const rule = ruleOf(file)
  if (!rule) return [`${file} stands in no folder of the table`]
  return importsOf(readFileSync(file, 'utf8'))
    .map((specifier) => targetOf(file, specifier))
    .filter((target) => !isAllowed(rule, target))
    .map((target) => `${file} may not import ${target}`)
})

const filesWith = (pattern: RegExp, folder: string) =>
  files.filter((file) => within(file, folder) && pattern.test(readFileSync(file, 'utf8')))

describe('architecture', () => {
  it('holds the import table', () => {
    expect(breaches).toEqual([])
  })

  it('finds a breach when there is one', () => {
    expect(isAllowed('server/features', '@trpc/server')).toBe(false)
  })

  it('tells V8 how to keep objects before a server makes any', () => {
    expect(importsOf(readFileSync('server/main.ts', 'utf8'))[0]).toBe('./platform/heap.ts')
  })

  it('is printed in the README, with each of its places or the folder around it', () => {
    const [, section = ''] = readFileSync('README.md', 'utf8').split('Who may import whom')
    const table = section.split('\n## ')[0] ?? ''
    const namesOf = (place: string) => {
      const parts = place.split('/')
      return [path.basename(place), ...parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/`), place]
    }
    const isPrinted = (place: string) => namesOf(place).some((name) => table.includes(`\`${name}\``))
    expect(Object.keys(allowed).filter((place) => !isPrinted(place))).toEqual([])
  })

  it('reads the environment in one place', () => {
    expect(filesWith(/process\.env\b/, 'server')).toEqual(expect.arrayContaining(['server/config.ts']))
    const readers = filesWith(/process\.env\b/, 'server').filter((file) => file !== 'server/config.ts')
    // The addon reads its header limit from the environment while it loads; nothing else can tell it.
    expect(readers).toEqual(['server/http/uws.ts'])
  })

  it('makes failures in rpc only', () => {
    expect(filesWith(/new Failure\(/, 'server')).toEqual(['server/rpc/failure.ts'])
  })

  it('keeps features two folders deep at most', () => {
    expect(files.filter((file) => file.split('/').length > 5)).toEqual([])
  })

  it('lets the database of the gates be held by the composition root, the gates and the readers of the log alone', () => {
    const holders = filesWith(/gateDatabase/, 'server')
    const readers = ['server/platform/events', 'server/platform/consumers']
    expect(holders.filter((file) => !readers.some((folder) => within(file, folder))).sort()).toEqual([
      'server/app.ts',
      'server/background.ts',
      'server/calls.ts',
      'server/identities.ts',
      'server/pools.ts',
    ])
    expect(filesWith(/db\/coalesce\.ts'/, 'server')).toEqual(['server/identities.ts'])
  })
})
