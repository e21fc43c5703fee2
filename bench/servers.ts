import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BuildOptions, build } from 'esbuild'
import { freePort } from '../db/embedded/freePort.ts'
import { endProcess, hasEnded } from '../server/cli/bench/endProcess.ts'
import type { BenchDatabase } from './database.ts'
import { type Cost, secret } from './people.ts'

/** A server in a process of its own. */
export interface Server {
  readonly name: string
  readonly url: string
  readonly pid: number
  /** The process of its database; undefined when it has none. */
  readonly postmaster: number | undefined
  /** What it calls a path, where that differs. */
  readonly paths?: Readonly<Record<string, string>> | undefined
  readonly stop: () => Promise<void>
}

export const root = path.join(import.meta.dirname, '..')
/** As `npm run build` has it. */
export const { bundling } = (await import(path.join(root, 'scripts/build.mjs'))) as { bundling: BuildOptions }
const programs = path.join(import.meta.dirname, 'results/programs')
const patienceMs = 30_000
const pollMs = 20

/** Where a program stands once it is bundled. */
export const programOf = (name: string): string => path.join(programs, `${name}.js`)

const programNames = [
  ...['health', 'me', 'hash'].map((name) => `bare/${name}`),
  ...['nodeHttp', 'fastify', 'hono', 'trpc', 'orpc'].map((name) => `peers/${name}`),
]

/** Bundles bare programs and peers as `npm run build` bundles the server; frameworks stay outside. */
export const buildPrograms = async (): Promise<void> => {
  await build({
    ...bundling,
    absWorkingDir: import.meta.dirname,
    entryPoints: programNames.map((name) => `${name}.ts`),
    outbase: '.',
    outdir: programs,
  })
}

/** The handlers without a framework around them. */
export const startBare = (
  name: string,
  program: string,
  { environment = {}, database }: { environment?: Record<string, string>; database?: BenchDatabase } = {},
): Promise<Server> =>
  startProgram(name, [programOf(`bare/${program}`)], {
    postmaster: database?.postmaster,
    environment: { ...environment, READS: 'together', JWT_SECRET: secret, DATABASE_URL: database?.gateUrl ?? '' },
  })

export interface OwnOptions {
  readonly database: BenchDatabase
  /** A line for each request is what it writes when nothing is said. */
  readonly logLevel?: 'info' | 'warn'
  readonly cost?: Cost
  /** Believes X-Forwarded-For, so that one machine can be many clients. */
  readonly isBehindProxy?: boolean
  /** Where CPU profiles go. */
  readonly profileFolder?: string | undefined
  /** Another bundle than that of `npm run build`. */
  readonly program?: string
  /** Over what is set anyway. */
  readonly environment?: Readonly<Record<string, string>>
}

/** tsforge as it is bundled, in production, with all limits on; the budget of an address alone is as wide as it goes. */
export const startOwn = (name: string, options: OwnOptions): Promise<Server> => {
  const { database, cost, profileFolder, program = path.join(root, 'dist/main.js'), environment } = options
  const flags = profileFolder ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] : []
  return startProgram(name, [...flags, program], {
    postmaster: database.postmaster,
    environment: {
      HOST: '127.0.0.1',
      HTTP_ADAPTER: 'uws',
      DATABASE_URL: database.appUrl,
      DATABASE_GATE_URL: database.gateUrl,
      DATABASE_MIGRATE_URL: database.ownerUrl,
      SERVICE_NAME: 'tsforge',
      JWT_ISSUER: 'tsforge',
      JWT_AUDIENCE: 'tsforge',
      JWT_SECRET: secret,
      RATE_LIMIT_PER_MINUTE: '1000000',
      LOG_LEVEL: options.logLevel ?? 'info',
      DRAIN_SECONDS: '0',
      ...(options.isBehindProxy ? { TRUSTED_PROXIES: '127.0.0.1' } : {}),
      ...(cost
        ? {
            ALLOW_WEAK_HASHING: 'true',
            ARGON2_MEMORY_KIB: `${cost.memoryKib}`,
            ARGON2_ITERATIONS: `${cost.iterations}`,
            ARGON2_PARALLELISM: `${cost.parallelism}`,
          }
        : {}),
      ...environment,
    },
  })
}

interface Surroundings {
  readonly environment: Readonly<Record<string, string>>
  readonly postmaster: number | undefined
  readonly paths?: Readonly<Record<string, string>> | undefined
}

/** Those that nobody has got to stop yet must not outlive a benchmark that is given up. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a program, its log going nowhere; resolves once it takes connections. */
export const startProgram = async (name: string, argv: readonly string[], around: Surroundings): Promise<Server> => {
  const port = await freePort()
  const child = spawn(process.execPath, argv, {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', PORT: `${port}`, ...around.environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const deadline = Date.now() + patienceMs
  while (!(await accepts(port))) {
    if (hasEnded(child) || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${name} does not start; what it says of it stands above`)
    }
    await sleep(pollMs)
  }
  const { postmaster, paths } = around
  return {
    name,
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    postmaster,
    paths,
    stop: () => endProcess(child),
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
