import { createRequire } from 'node:module'
import path from 'node:path'
import type { BenchDatabase } from './database.ts'
import { secret } from './people.ts'
import { programOf, type Server, startProgram } from './servers.ts'

/** A server of another make that does the same work: bench/peers/<program>.ts. */
export interface Peer {
  readonly name: string
  readonly program: string
  /** Told to it besides what all are told. */
  readonly environment?: Readonly<Record<string, string>>
  /** What it calls a path. */
  readonly paths?: Readonly<Record<string, string>>
}

/** What tRPC calls the paths. */
export const trpcPaths = { '/healthz': '/trpc/health', '/api/v1/auth/me': '/trpc/auth.me' }

export const peers = {
  node: { name: 'node:http', program: 'nodeHttp' },
  fastify: { name: 'Fastify', program: 'fastify' },
  hono: { name: 'Hono', program: 'hono' },
  trpc: { name: 'tRPC standalone', program: 'trpc', paths: trpcPaths },
  orpc: { name: 'oRPC, OpenAPI', program: 'orpc' },
} as const satisfies Record<string, Peer>

/** Fastify with what tsforge does besides: no ordinary server, but it tells the framework from the tricks. */
export const fastifyWithShortcuts: Peer = {
  name: "Fastify with tsforge's shortcuts",
  program: 'fastify',
  environment: { CLAIMS: 'remembered', READS: 'together' },
}

/** Peers read as the owner of the tables, whom row security does not concern. */
export const startPeer = (peer: Peer, database: BenchDatabase): Promise<Server> =>
  startProgram(peer.name, [programOf(`peers/${peer.program}`)], {
    postmaster: database.postmaster,
    paths: peer.paths,
    environment: { ...peer.environment, JWT_SECRET: secret, DATABASE_URL: database.ownerUrl },
  })

const frameworks = ['fastify', 'hono', '@hono/node-server', '@orpc/server', '@orpc/openapi']

/** The frameworks of the peers that are not installed. */
export const missingFrameworks = (): readonly string[] => {
  const folder = path.join(import.meta.dirname, 'node_modules')
  const { resolve } = createRequire(path.join(import.meta.dirname, 'package.json'))
  return frameworks.filter((name) => {
    try {
      return !resolve(name).startsWith(folder)
    } catch {
      return true
    }
  })
}
