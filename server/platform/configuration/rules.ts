import { createRequire } from 'node:module'
import type { ConfigProblem } from './problems.ts'
import type { Values, VariableName } from './variables.ts'

type Rule = (values: Values) => readonly ConfigProblem[]

/** Least Argon2id cost by the OWASP Password Storage Cheat Sheet. */
const leastHashing = { ARGON2_MEMORY_KIB: 19456, ARGON2_ITERATIONS: 2, ARGON2_PARALLELISM: 1 } as const

const needsDatabase: Rule = (values) => {
  if (values.DATABASE_URL !== undefined) return []
  const side = ['DATABASE_MIGRATE_URL', 'DATABASE_GATE_URL', 'DATABASE_REPLICA_URL', 'DATABASE_LISTEN_URL'] as const
  const isAlone = side.some((name) => values[name] !== undefined)
  if (values.NODE_ENV !== 'production' && !isAlone) return []
  const reason = isAlone ? 'another database URL is set' : 'production has no embedded database'
  return [missing('DATABASE_URL', `a PostgreSQL URL, since ${reason}`)]
}

/** A role is taken on by a connection, and a shared one does not keep it. */
const sharedConnectionsNeedGate: Rule = (values) =>
  values.DATABASE_STATEMENT_CACHE || values.DATABASE_URL === undefined || values.DATABASE_GATE_URL !== undefined
    ? []
    : [missing('DATABASE_GATE_URL', 'a login of the role gate, since DATABASE_STATEMENT_CACHE=false')]

const needsSigningSecret: Rule = (values) =>
  values.NODE_ENV !== 'production' || values.JWT_SECRET !== undefined || values.JWT_KEYS !== undefined
    ? []
    : [missing('JWT_SECRET', 'a signing secret of 32 bytes or more (or JWT_KEYS), since production makes none itself')]

const refusesOpenCors: Rule = (values) =>
  values.NODE_ENV !== 'production' || !values.CORS_ORIGINS.includes('*')
    ? []
    : [wrong('CORS_ORIGINS', { expected: 'named origins in production', found: '"*"', fix: 'list the origins' })]

const refreshOutlivesAccess: Rule = ({ ACCESS_TTL_SECONDS: access, REFRESH_TTL_SECONDS: refresh }) => {
  const expected = `more than ACCESS_TTL_SECONDS (${access})`
  const fix = 'raise it, or lower ACCESS_TTL_SECONDS'
  return refresh > access ? [] : [wrong('REFRESH_TTL_SECONDS', { expected, found: String(refresh), fix })]
}

const sessionOutlivesRefresh: Rule = ({ REFRESH_TTL_SECONDS: refresh, SESSION_MAX_SECONDS: session }) => {
  const expected = `REFRESH_TTL_SECONDS (${refresh}) or more`
  const fix = 'raise it, or lower REFRESH_TTL_SECONDS'
  return session >= refresh ? [] : [wrong('SESSION_MAX_SECONDS', { expected, found: String(session), fix })]
}

const workersShareANamedPort: Rule = ({ CLUSTER_WORKERS: workers, PORT: port }) => {
  const fix = 'name a port: a free one would be another one for each worker'
  return workers === 1 || port !== 0
    ? []
    : [wrong('PORT', { expected: '1 to 65535 with CLUSTER_WORKERS', found: '0', fix })]
}

/** RFC 9106 3.1: at least 8 KiB for each lane. */
const lanesHaveMemory: Rule = ({ ARGON2_MEMORY_KIB: memory, ARGON2_PARALLELISM: lanes }) => {
  const expected = `${8 * lanes} or more (8 for each of ARGON2_PARALLELISM)`
  const fix = 'raise it, or lower ARGON2_PARALLELISM'
  return memory >= 8 * lanes ? [] : [wrong('ARGON2_MEMORY_KIB', { expected, found: String(memory), fix })]
}

const redisNeedsAddress: Rule = (values) =>
  values.RATE_LIMIT_STORE !== 'redis' || values.REDIS_URL !== undefined
    ? []
    : [missing('REDIS_URL', 'a Redis URL, since RATE_LIMIT_STORE=redis')]

/** An optional dependency, so an installation may be without. */
const redisNeedsPackage: Rule = ({ RATE_LIMIT_STORE: store }) =>
  store !== 'redis' || isInstalled('ioredis')
    ? []
    : [
        wrong('RATE_LIMIT_STORE', {
          expected: 'memory or postgres, or the package ioredis installed',
          found: 'redis, without the package',
          fix: 'install it (npm install ioredis@6.0.0), or set RATE_LIMIT_STORE=postgres',
        }),
      ]

const isInstalled = (name: string): boolean => {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}

const refusesWeakHashing: Rule = (values) =>
  values.NODE_ENV === 'test' || values.ALLOW_WEAK_HASHING
    ? []
    : weakHashing(values).map((name) =>
        wrong(name, {
          expected: `${leastHashing[name]} or more`,
          found: String(values[name]),
          fix: 'raise it; only where speed matters more than the passwords, set ALLOW_WEAK_HASHING=true',
        }),
      )

const rules = [
  needsDatabase,
  sharedConnectionsNeedGate,
  needsSigningSecret,
  refusesOpenCors,
  refreshOutlivesAccess,
  sessionOutlivesRefresh,
  workersShareANamedPort,
  lanesHaveMemory,
  redisNeedsAddress,
  redisNeedsPackage,
  refusesWeakHashing,
]

/** What is wrong between variables that are each well-formed. */
export function findFaults(values: Values): ConfigProblem[] {
  return rules.flatMap((rule) => rule(values))
}

/** The Argon2 variables that stand below the accepted minimum. */
export function weakHashing(values: Values): (keyof typeof leastHashing)[] {
  const names = ['ARGON2_MEMORY_KIB', 'ARGON2_ITERATIONS', 'ARGON2_PARALLELISM'] as const
  return names.filter((name) => values[name] < leastHashing[name])
}

/** A warning when several workers each count budgets for themselves. */
export function lonelyBudgets(values: Values): string[] {
  const { CLUSTER_WORKERS: workers, RATE_LIMIT_STORE: store, RATE_LIMIT_PER_MINUTE: perMinute } = values
  if (workers === 1 || store !== 'memory' || perMinute === 0) return []
  const advice = 'RATE_LIMIT_STORE=postgres or redis makes them one'
  return [
    `CLUSTER_WORKERS: each of ${workers} workers counts budgets for itself, so they admit up to ${workers} times as much; ${advice}`,
  ]
}

function missing(name: VariableName, expected: string): ConfigProblem {
  return wrong(name, { expected, found: 'nothing', fix: `set ${name}, or ${name}_FILE to the path of a file with it` })
}

function wrong(name: VariableName, rest: Omit<ConfigProblem, 'name'>): ConfigProblem {
  return { name, ...rest }
}
