import { availableParallelism } from 'node:os'
import type { z } from 'zod'
import { name } from '../../version.ts'
import { jwtKeySet } from './jwtKeys.ts'
import * as type from './valueTypes.ts'

export const environments = ['development', 'test', 'production'] as const
export type EnvironmentName = (typeof environments)[number]

/** A row of the table: all there is to know of one variable. Defaults are written as one would write them in `.env`. */
export interface Variable {
  readonly type: z.ZodType<unknown, string>
  readonly default?: string | Readonly<Record<EnvironmentName, string>>
  /** What the documentation says in place of a default that depends on the machine or on other variables. */
  readonly defaultText?: string
  readonly description: string
  readonly example?: string
  /** Never printed, and `<NAME>_FILE` may name a file that holds it. */
  readonly secret?: true
}

type Rows = Readonly<Record<string, Variable>>

const ownName = 'the name in `package.json`'

const server = {
  NODE_ENV: {
    type: type.choice(...environments),
    default: 'development',
    description: 'Chooses the defaults below. `production` refuses to start without a database and a signing secret.',
  },
  SERVICE_NAME: {
    type: type.word(/^[\w.-]{1,64}$/, '1 to 64 letters, digits, ".", "_" or "-"'),
    default: name,
    defaultText: ownName,
    example: 'my-api',
    description: 'Names this service in logs and metrics.',
  },
  LOG_LEVEL: {
    type: type.choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
    description: 'Least severe level that is written. Probes are logged at debug.',
  },
  DATA_DIR: {
    type: type.directory,
    default: '.data',
    description: 'Holds the embedded database and the signing secret made in development.',
  },
  DRAIN_SECONDS: {
    type: type.integer(0, 3600),
    default: { development: '0', test: '0', production: '5' },
    description: 'After SIGTERM: how long `/readyz` says 503 while calls are still taken, so that balancers look away.',
  },
  SHUTDOWN_SECONDS: {
    type: type.integer(1, 3600),
    default: '15',
    description: 'How long running calls may take to end after draining, before they are cut off.',
  },
  RUN_DUTIES: {
    type: type.boolean,
    default: 'true',
    description: 'Whether this process takes part in scheduled work; one of those that do carries out each run.',
  },
  RUN_CONSUMERS: {
    type: type.boolean,
    default: 'true',
    description: 'Whether this process handles events for the consumers; those that do share the work.',
  },
} as const satisfies Rows

const http = {
  HOST: {
    type: type.word(/^[\w.:%-]+$/, 'an address or a host name'),
    default: { development: '127.0.0.1', test: '127.0.0.1', production: '0.0.0.0' },
    description: 'Address to listen on.',
  },
  PORT: {
    type: type.integer(0, 65535),
    default: '8080',
    description: 'Port to listen on. 0 takes a free one and prints it.',
  },
  HTTP_ADAPTER: {
    type: type.choice('auto', 'uws', 'node'),
    default: 'auto',
    description: '`uws` insists on uWebSockets.js, `node` on node:http; `auto` takes the first that runs here.',
  },
  CLUSTER_WORKERS: {
    type: type.integer(1, 256),
    default: '1',
    description:
      'Processes that share the port, replaced when they die. Needs a named `PORT`. Set `RATE_LIMIT_STORE` too, or each counts budgets for itself.',
  },
  BODY_LIMIT_BYTES: {
    type: type.integer(1, 1_073_741_824),
    default: '1048576',
    description: 'Largest request body; a larger one is answered 413.',
  },
  REQUEST_TIMEOUT_SECONDS: {
    type: type.integer(1, 3600),
    default: '10',
    description:
      'How long a call may take before it is stopped, rolled back and answered 503 `deadline_exceeded`. The arrival of its body does not count, streams have no deadline, and an entry of the contract may name another one.',
  },
  MAX_CALLS_RUNNING: {
    type: type.integer(1, 1_000_000),
    default: '500',
    description:
      'Calls that one process works on at once; the next is answered 503 `overloaded` before anything is done for it. Those that wait for their body and open streams do not count.',
  },
  MAX_LOOP_DELAY_MILLISECONDS: {
    type: type.integer(10, 60_000),
    default: '500',
    description: 'How late timers may be. While they are later, a tenth of `MAX_CALLS_RUNNING` is worked on at once.',
  },
  CORS_ORIGINS: {
    type: type.origins,
    default: '',
    defaultText: 'none',
    description: 'Origins whose pages may call this server. Production refuses `*`.',
    example: 'https://app.example.com,https://admin.example.com',
  },
  TRUSTED_PROXIES: {
    type: type.addresses,
    default: '',
    defaultText: 'none',
    description: 'Proxies whose `X-Forwarded-For` is believed. Without one, the peer is the caller.',
    example: '10.0.0.0/8,127.0.0.1',
  },
  RATE_LIMIT_PER_MINUTE: {
    type: type.integer(0, 1_000_000),
    default: '120',
    description:
      'Calls a minute of an address without valid credentials. A caller then has 600 reads, 120 writes and 30 tries of credentials a minute, an account 10 failed logins in 15 minutes. 0 turns all of it off.',
  },
  RATE_LIMIT_STORE: {
    type: type.choice('memory', 'postgres', 'redis'),
    default: 'memory',
    description:
      'Where these budgets are counted. `memory`: in each process by itself; the others are shared by all processes. `redis` needs `REDIS_URL` and the package ioredis.',
  },
  REDIS_URL: {
    type: type.redisUrl,
    secret: true,
    defaultText: 'none',
    description: 'The Redis (6.2 or newer) of `RATE_LIMIT_STORE=redis`. Used for nothing else.',
    example: 'redis://:password@localhost:6379/0',
  },
  ADMIN_TOKEN: {
    type: type.token,
    secret: true,
    defaultText: 'none',
    description: 'Opens `/admin` through the header `X-Admin-Token`. Without it, `/admin` answers loopback only.',
  },
} as const satisfies Rows

const database = {
  DATABASE_URL: {
    type: type.postgresUrl,
    secret: true,
    defaultText: 'embedded PostgreSQL',
    description: 'PostgreSQL 15 or newer, as the role `app` that runs the handlers. Required in production.',
    example: 'postgres://app:password@localhost:5432/app',
  },
  DATABASE_MIGRATE_URL: {
    type: type.postgresUrl,
    secret: true,
    defaultText: '`DATABASE_URL`',
    description: 'The role that owns the schema and runs migrations.',
    example: 'postgres://owner:password@localhost:5432/app',
  },
  DATABASE_GATE_URL: {
    type: type.postgresUrl,
    secret: true,
    defaultText: '`DATABASE_URL` with `SET ROLE gate`',
    description: 'The role `gate`, which reads sessions, keys and roles to authenticate a call.',
    example: 'postgres://gate:password@localhost:5432/app',
  },
  DATABASE_REPLICA_URL: {
    type: type.postgresUrl,
    secret: true,
    defaultText: 'none',
    description:
      'A hot standby of `DATABASE_URL`, for reads that may be a little late; the primary answers where it cannot. See docs/replica.md.',
    example: 'postgres://app:password@replica:5432/app',
  },
  REPLICA_LAG_SECONDS: {
    type: type.integer(1, 3600),
    default: '5',
    description:
      'How old what the replica shows may be, in seconds. While it may be older the primary answers, and for so long and a second more after a write of the caller.',
  },
  DATABASE_LISTEN_URL: {
    type: type.postgresUrl,
    secret: true,
    defaultText: '`DATABASE_URL`',
    description:
      'A direct connection for LISTEN, where `DATABASE_URL` leads to a pooler that cannot. Without one events are polled each second.',
    example: 'postgres://app:password@localhost:5432/app',
  },
  DATABASE_MAX_CONNECTIONS: {
    type: type.integer(1, 10_000),
    default: '20',
    description: 'Connections that one process opens at most for its handlers.',
  },
  DATABASE_STATEMENT_CACHE: {
    type: type.boolean,
    default: 'true',
    description:
      'Prepared statements by name. Set false behind a pooler that shares connections; `DATABASE_GATE_URL` is needed then.',
  },
  DATABASE_ACQUIRE_TIMEOUT_SECONDS: {
    type: type.integer(1, 300),
    default: '3',
    description: 'How long a query waits for a connection before the call is answered 503 `unavailable`.',
  },
  DATABASE_STATEMENT_TIMEOUT_SECONDS: {
    type: type.integer(1, 3600),
    default: '15',
    description:
      'How long a statement may take before the call is answered 503. Those that find out who calls get 3 seconds at most.',
  },
  MIGRATE_ON_START: {
    type: type.boolean,
    default: { development: 'true', test: 'true', production: 'false' },
    description: 'Applies missing migrations before listening. In production run them as a step of the deployment.',
  },
} as const satisfies Rows

const accounts = {
  JWT_SECRET: {
    type: type.signingSecret,
    secret: true,
    defaultText: 'made once in `DATA_DIR`; none in production',
    description:
      'Signs access tokens with HS256. Make one with `openssl rand -base64 48`. Production needs it or `JWT_KEYS`.',
  },
  JWT_PREVIOUS_SECRETS: {
    type: type.signingSecrets,
    secret: true,
    default: '',
    defaultText: 'none',
    description: 'Secrets that still verify but no longer sign, while one is being replaced. None may hold a comma.',
  },
  JWT_KEYS: {
    type: jwtKeySet,
    secret: true,
    defaultText: 'none',
    description:
      'Key pairs in place of the shared secret. The first with a private part signs, all verify and stand in the JWKS.',
  },
  JWT_ISSUER: {
    type: type.word(/^\S{1,255}$/, '1 to 255 characters without spaces'),
    default: name,
    defaultText: ownName,
    example: 'my-api',
    description: 'The claim `iss`, written and required.',
  },
  JWT_AUDIENCE: {
    type: type.word(/^\S{1,255}$/, '1 to 255 characters without spaces'),
    default: name,
    defaultText: ownName,
    example: 'my-api',
    description: 'The claim `aud`, written and required.',
  },
  ACCESS_TTL_SECONDS: {
    type: type.integer(1, 2_592_000),
    default: '900',
    description: 'Life of an access token.',
  },
  REFRESH_TTL_SECONDS: {
    type: type.integer(2, 315_360_000),
    default: '604800',
    description: 'Life of a refresh token. Longer than `ACCESS_TTL_SECONDS`.',
  },
  SESSION_MAX_SECONDS: {
    type: type.integer(2, 315_360_000),
    default: '7776000',
    description: 'Life of a session whatever its use (OWASP ASVS 7.3.2). `REFRESH_TTL_SECONDS` or more.',
  },
} as const satisfies Rows

const events = {
  EVENT_RETENTION_DAYS: {
    type: type.integer(1, 3_650),
    default: '30',
    description: 'How long events stay in the log; a stream that comes back later is told of a gap.',
  },
  STREAMS_MAX: {
    type: type.integer(0, 1_000_000),
    default: '10000',
    description: 'Streams that one process holds open at once; the next is answered 503 `overloaded`.',
  },
  STREAM_LIFETIME_SECONDS: {
    type: type.integer(1, 86_400),
    default: '3600',
    description: 'After so long a server-sent stream ends and its client comes back, perhaps to another instance.',
  },
} as const satisfies Rows

const flags = {
  FLAGS_FILE: {
    type: type.directory,
    defaultText: 'none',
    description:
      'A JSON object of flags and their values, read again when it changes. The database does not count for them.',
    example: '/etc/my-api/flags.json',
  },
  FLAGS_TTL_SECONDS: {
    type: type.integer(1, 3_600),
    default: '30',
    description: 'How often flags are read from the database anyway; changes arrive by events, at once.',
  },
} as const satisfies Rows

const tracing = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    type: type.httpUrl,
    defaultText: 'none',
    description:
      'The collector that spans are sent to, as OTLP/HTTP; `/v1/traces` is put behind it. See docs/tracing.md.',
    example: 'http://localhost:4318',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    type: type.headerPairs,
    secret: true,
    default: '',
    defaultText: 'none',
    description: 'Headers for the collector, `name=value` with commas between, values percent-encoded.',
    example: 'x-api-key=abc',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    type: type.share,
    default: '1',
    description:
      'The share of traces that are kept of those that begin here. One that a caller began is kept as it says.',
  },
  OTEL_SERVICE_NAME: {
    type: type.word(/^[\w.-]{1,64}$/, '1 to 64 letters, digits, ".", "_" or "-"'),
    defaultText: '`SERVICE_NAME`',
    description: 'Names this service in traces.',
  },
} as const satisfies Rows

const hashing = {
  ARGON2_MEMORY_KIB: {
    type: type.integer(8, 1_048_576),
    default: '65536',
    description: 'Memory of one hash. 19456 or more.',
  },
  ARGON2_ITERATIONS: {
    type: type.integer(1, 64),
    default: '3',
    description: 'Passes over the memory. 2 or more.',
  },
  ARGON2_PARALLELISM: {
    type: type.integer(1, 64),
    default: '2',
    description: 'Lanes of one hash. The memory must be 8 KiB a lane or more.',
  },
  HASH_CONCURRENCY: {
    type: type.integer(1, 256),
    default: String(Math.min(256, availableParallelism())),
    defaultText: 'number of cores',
    description:
      'Hashes that run at once, each with its own memory. Native ones use libuv threads: above 3, raise `UV_THREADPOOL_SIZE` (4) too.',
    example: '2',
  },
  HASH_QUEUE_LENGTH: {
    type: type.integer(0, 100_000),
    default: '64',
    description: 'Hashes that may wait for a turn; the next is answered 503 `overloaded`.',
  },
  ALLOW_WEAK_HASHING: {
    type: type.boolean,
    default: 'false',
    description: 'Permits values below the minimum (19456, 2, 1) outside `NODE_ENV=test`, with a warning.',
  },
} as const satisfies Rows

/** In the order of the documentation. */
export const groups: readonly { readonly title: string; readonly rows: Rows }[] = [
  { title: 'Process', rows: server },
  { title: 'HTTP', rows: http },
  { title: 'Database', rows: database },
  { title: 'Tokens', rows: accounts },
  { title: 'Password hashing', rows: hashing },
  { title: 'Events', rows: events },
  { title: 'Tracing', rows: tracing },
  { title: 'Flags', rows: flags },
]

/** Every variable the server knows. The code, `.env.example` and `docs/configuration.md` all come from here. */
export const variables = { ...server, ...http, ...database, ...accounts, ...hashing, ...events, ...tracing, ...flags }

export type VariableName = keyof typeof variables

type ValueOf<Row> = Row extends { readonly type: infer T extends z.ZodType }
  ? Row extends { readonly default: unknown }
    ? z.output<T>
    : z.output<T> | undefined
  : never

/** The parsed value of every variable; only those without a default can be undefined. */
export type Values = { readonly [Name in VariableName]: ValueOf<(typeof variables)[Name]> }
