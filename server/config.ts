import { join, resolve } from 'node:path'
import type { FlagTable } from '../contract/flagTable.ts'
import { flags as ownFlags } from '../contract/vocabulary.ts'
import {
  developmentSecret,
  developmentSecrets,
  type SigningSecrets,
} from './platform/configuration/developmentSecret.ts'
import { type FlagValues, readFlagVariables } from './platform/configuration/flagVariables.ts'
import type { JwtKey } from './platform/configuration/jwtKeys.ts'
import { parseVariables } from './platform/configuration/parse.ts'
import { lonelyBudgets, weakHashing } from './platform/configuration/rules.ts'
import { listSettings, type Setting } from './platform/configuration/settings.ts'
import { findMisspelt } from './platform/configuration/similarNames.ts'
import { type Environment, knownNames, secretNames, withDotenv } from './platform/configuration/sources.ts'
import type { EnvironmentName, Values } from './platform/configuration/variables.ts'
import type { TracingSettings } from './platform/tracing/openTracing.ts'

export { ConfigError, type ConfigProblem } from './platform/configuration/problems.ts'
export { addressSet } from './platform/configuration/valueTypes.ts'
export { developmentSecret, type Environment, type JwtKey, type Setting }

/** Something can always sign: the shared secret, or a key pair. Where both are set the key pair signs. */
type Signing =
  | { readonly jwtSecret: string; readonly jwtKeys: readonly JwtKey[] | undefined }
  | { readonly jwtSecret: undefined; readonly jwtKeys: readonly JwtKey[] }

/** What the server was told, checked and frozen to the last level. `docs/configuration.md` explains every value. */
export interface Config {
  readonly environment: EnvironmentName
  readonly serviceName: string
  readonly logLevel: Values['LOG_LEVEL']
  /** Absolute. */
  readonly dataDir: string
  readonly adminToken: string | undefined
  readonly runsDuties: boolean
  readonly runsConsumers: boolean
  readonly http: {
    readonly host: string
    readonly port: number
    readonly adapter: Values['HTTP_ADAPTER']
    readonly workers: number
    readonly bodyLimitBytes: number
    readonly requestTimeoutSeconds: number
    readonly maxCallsRunning: number
    readonly maxLoopDelayMs: number
    /** Exact origins, or `*` alone. */
    readonly corsOrigins: readonly string[]
    /** Addresses and CIDR ranges; `addressSet` makes them searchable. */
    readonly trustedProxies: readonly string[]
    readonly drainSeconds: number
    readonly shutdownSeconds: number
  }
  readonly database: {
    /** undefined: the embedded database. */
    readonly url: string | undefined
    /** The same as `url` unless set. */
    readonly migrateUrl: string | undefined
    /** undefined: connect to `url` and SET ROLE gate. */
    readonly gateUrl: string | undefined
    readonly replicaUrl: string | undefined
    readonly replicaLagSeconds: number
    /** The same as `url` unless set. */
    readonly listenUrl: string | undefined
    readonly maxConnections: number
    readonly statementCache: boolean
    readonly acquireTimeoutSeconds: number
    readonly statementTimeoutSeconds: number
    readonly migrateOnStart: boolean
  }
  readonly auth: Signing & {
    readonly previousSecrets: readonly string[]
    readonly issuer: string
    readonly audience: string
    readonly accessTtlSeconds: number
    readonly refreshTtlSeconds: number
    readonly sessionMaxSeconds: number
  }
  readonly hashing: {
    readonly memoryKib: number
    readonly iterations: number
    readonly parallelism: number
    readonly concurrency: number
    readonly queueLength: number
  }
  readonly streams: {
    /** Of one process. */
    readonly max: number
    readonly lifetimeSeconds: number
  }
  readonly events: { readonly retentionDays: number }
  readonly tracing: TracingSettings
  readonly limits: {
    readonly ratePerMinute: number
    /** Where budgets are counted. */
    readonly store: { readonly kind: 'memory' | 'postgres' } | { readonly kind: 'redis'; readonly url: string }
  }
  readonly flags: {
    /** What FLAG_ variables say. */
    readonly variables: FlagValues
    /** Absolute. */
    readonly file: string | undefined
    readonly ttlSeconds: number
  }
  /** Sentences to log once at start. They hold no values. */
  readonly warnings: readonly string[]
}

/**
 * The configuration of this process: the environment, then `.env` in `directory`, then defaults. Outside production
 * a missing signing secret is made in DATA_DIR. Throws ConfigError with everything that is wrong.
 */
export function loadConfig(environment: Environment = process.env, directory = process.cwd()): Config {
  return readConfig(withDotenv(environment, join(directory, '.env')), developmentSecrets)
}

/** What each variable is set to and where, as `loadConfig` finds it but unchecked. Holds secrets: not to be printed as it is. */
export function loadSettings(environment: Environment = process.env, directory = process.cwd()): readonly Setting[] {
  return listSettings(environment, join(directory, '.env'))
}

/**
 * The configuration that an environment stands for; reads no file but those that `<NAME>_FILE` names.
 * `makeSecret` gets the data directory, and is asked only outside production when nothing else could sign; of several
 * secrets the first signs.
 */
export function readConfig(
  environment: Environment,
  makeSecret: (dataDir: string) => string | SigningSecrets,
  flagTable: FlagTable = ownFlags,
): Config {
  const flags = readFlagVariables(environment, flagTable)
  const values = parseVariables(environment, flags.problems)
  const dataDir = resolve(values.DATA_DIR)
  return freezeDeep({
    environment: values.NODE_ENV,
    serviceName: values.SERVICE_NAME,
    logLevel: values.LOG_LEVEL,
    dataDir,
    adminToken: values.ADMIN_TOKEN,
    runsDuties: values.RUN_DUTIES,
    runsConsumers: values.RUN_CONSUMERS,
    http: httpOf(values),
    database: databaseOf(values),
    auth: authOf(values, () => makeSecret(dataDir)),
    hashing: hashingOf(values),
    streams: { max: values.STREAMS_MAX, lifetimeSeconds: values.STREAM_LIFETIME_SECONDS },
    events: { retentionDays: values.EVENT_RETENTION_DAYS },
    tracing: tracingOf(values),
    limits: limitsOf(values),
    flags: {
      variables: flags.values,
      file: values.FLAGS_FILE === undefined ? undefined : resolve(values.FLAGS_FILE),
      ttlSeconds: values.FLAGS_TTL_SECONDS,
    },
    warnings: warningsOf(values, environment),
  })
}

/** What a child process may inherit: the environment without our secrets, and `additions`. */
export function childEnvironment(additions: Environment = {}, environment: Environment = process.env): Environment {
  const hidden = new Set(secretNames.flatMap((name) => [name, `${name}_FILE`]))
  return { ...Object.fromEntries(Object.entries(environment).filter(([name]) => !hidden.has(name))), ...additions }
}

function httpOf(values: Values): Config['http'] {
  return {
    host: values.HOST,
    port: values.PORT,
    adapter: values.HTTP_ADAPTER,
    workers: values.CLUSTER_WORKERS,
    bodyLimitBytes: values.BODY_LIMIT_BYTES,
    requestTimeoutSeconds: values.REQUEST_TIMEOUT_SECONDS,
    maxCallsRunning: values.MAX_CALLS_RUNNING,
    maxLoopDelayMs: values.MAX_LOOP_DELAY_MILLISECONDS,
    corsOrigins: values.CORS_ORIGINS,
    trustedProxies: values.TRUSTED_PROXIES,
    drainSeconds: values.DRAIN_SECONDS,
    shutdownSeconds: values.SHUTDOWN_SECONDS,
  }
}

function databaseOf(values: Values): Config['database'] {
  return {
    url: values.DATABASE_URL,
    migrateUrl: values.DATABASE_MIGRATE_URL ?? values.DATABASE_URL,
    gateUrl: values.DATABASE_GATE_URL,
    replicaUrl: values.DATABASE_REPLICA_URL,
    replicaLagSeconds: values.REPLICA_LAG_SECONDS,
    listenUrl: values.DATABASE_LISTEN_URL ?? values.DATABASE_URL,
    maxConnections: values.DATABASE_MAX_CONNECTIONS,
    statementCache: values.DATABASE_STATEMENT_CACHE,
    acquireTimeoutSeconds: values.DATABASE_ACQUIRE_TIMEOUT_SECONDS,
    statementTimeoutSeconds: values.DATABASE_STATEMENT_TIMEOUT_SECONDS,
    migrateOnStart: values.MIGRATE_ON_START,
  }
}

function authOf(values: Values, makeSecret: () => string | SigningSecrets): Config['auth'] {
  const { JWT_SECRET: jwtSecret, JWT_KEYS: jwtKeys } = values
  const tokens = tokensOf(values)
  if (jwtSecret !== undefined) return { jwtSecret, jwtKeys, ...tokens }
  if (jwtKeys !== undefined) return { jwtSecret, jwtKeys, ...tokens }
  const [newest, ...previous] = [makeSecret()].flat() as [string, ...string[]]
  return { jwtSecret: newest, jwtKeys, ...tokens, previousSecrets: [...previous, ...tokens.previousSecrets] }
}

function tokensOf(values: Values): Omit<Config['auth'], keyof Signing> {
  return {
    previousSecrets: values.JWT_PREVIOUS_SECRETS,
    issuer: values.JWT_ISSUER,
    audience: values.JWT_AUDIENCE,
    accessTtlSeconds: values.ACCESS_TTL_SECONDS,
    refreshTtlSeconds: values.REFRESH_TTL_SECONDS,
    sessionMaxSeconds: values.SESSION_MAX_SECONDS,
  }
}

function limitsOf(values: Values): Config['limits'] {
  const { RATE_LIMIT_PER_MINUTE: ratePerMinute, RATE_LIMIT_STORE: kind, REDIS_URL: url = '' } = values
  return { ratePerMinute, store: kind === 'redis' ? { kind, url } : { kind } }
}

function tracingOf(values: Values): TracingSettings {
  return {
    endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS,
    serviceName: values.OTEL_SERVICE_NAME ?? values.SERVICE_NAME,
    share: values.OTEL_TRACES_SAMPLER_ARG,
  }
}

function hashingOf(values: Values): Config['hashing'] {
  return {
    memoryKib: values.ARGON2_MEMORY_KIB,
    iterations: values.ARGON2_ITERATIONS,
    parallelism: values.ARGON2_PARALLELISM,
    concurrency: values.HASH_CONCURRENCY,
    queueLength: values.HASH_QUEUE_LENGTH,
  }
}

function warningsOf(values: Values, environment: Environment): string[] {
  const set = Object.keys(environment).filter((name) => environment[name])
  const weak = values.NODE_ENV === 'test' ? [] : weakHashing(values)
  const weakWarning = `ALLOW_WEAK_HASHING: ${weak.join(', ')} below the accepted minimum, so leaked hashes are cheap to guess`
  return [...findMisspelt(set, knownNames), ...(weak.length > 0 ? [weakWarning] : []), ...lonelyBudgets(values)]
}

function freezeDeep<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) freezeDeep(part)
  }
  return Object.freeze(value)
}
