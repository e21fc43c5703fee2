import { type CostName, costs } from './costs.ts'
import type { BenchDatabase } from './database.ts'
import { secret } from './people.ts'
import { startTarget, type Target, type TargetStart } from './targets.ts'

export interface ServerParts {
  readonly pathOf: (program: string) => string
  readonly postmaster: number
  readonly nodeOptions: readonly string[]
}

export interface OwnServer {
  readonly name: string
  readonly database: BenchDatabase
  readonly logLevel?: 'info' | 'warn'
  readonly cost?: CostName
  /** Believes X-Forwarded-For, so that one machine can be many clients. */
  readonly isBehindProxy?: boolean
}

/** tsforge as it is bundled, in production, with all limits on; only the budget of an address is as wide as it goes. */
export const startOwn = (parts: ServerParts, server: OwnServer): Promise<Target> => {
  const { memoryKib, iterations, parallelism } = costs[server.cost ?? 'accepted']
  return startTarget({
    name: server.name,
    program: parts.pathOf('main'),
    postmaster: parts.postmaster,
    nodeOptions: parts.nodeOptions,
    environment: {
      HOST: '127.0.0.1',
      HTTP_ADAPTER: 'uws',
      DATABASE_URL: server.database.appUrl,
      DATABASE_GATE_URL: server.database.gateUrl,
      DATABASE_MIGRATE_URL: server.database.ownerUrl,
      JWT_SECRET: secret,
      RATE_LIMIT_PER_MINUTE: '1000000',
      LOG_LEVEL: server.logLevel ?? 'info',
      ALLOW_WEAK_HASHING: 'true',
      ARGON2_MEMORY_KIB: `${memoryKib}`,
      ARGON2_ITERATIONS: `${iterations}`,
      ARGON2_PARALLELISM: `${parallelism}`,
      DRAIN_SECONDS: '0',
      ...(server.isBehindProxy ? { TRUSTED_PROXIES: '127.0.0.1' } : {}),
    },
  })
}

/** The handlers without a framework around them. */
export const startBare = (
  parts: ServerParts,
  { name, program, environment }: Pick<TargetStart, 'name' | 'program' | 'environment'>,
  database?: BenchDatabase,
): Promise<Target> =>
  startTarget({
    name,
    program: parts.pathOf(program),
    ...(database ? { postmaster: parts.postmaster } : {}),
    environment: { ...environment, JWT_SECRET: secret, DATABASE_GATE_URL: database?.gateUrl ?? '' },
  })
