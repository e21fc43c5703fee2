import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseStartError } from '../../../db/embedded/errors.ts'
import { freePort } from '../../../db/embedded/freePort.ts'
import type { Config } from '../../config.ts'
import type { ConnectedDatabase } from '../../database.ts'
import { developmentSecret } from '../../platform/configuration/developmentSecret.ts'
import { projectFolder } from '../../projectFolder.ts'
import { bringUpToDate } from '../../schema.ts'
import { withAddresses } from '../commandDatabase.ts'
import { ForgeError } from '../forgeError.ts'
import { askServer } from '../serverAddress.ts'
import type { Terminal } from '../terminal.ts'
import { endProcess, hasEnded } from './endProcess.ts'

export interface OwnServer {
  readonly url: string
  readonly ownerUrl: string
  /** Signs what the server takes for its own tokens. */
  readonly secret: string
}

const pollMs = 50
const patienceMs = 60_000

/** Where the database of these servers is, apart from that of the project. */
export const benchFolderOf = ({ dataDir }: Config): string => path.join(dataDir, 'bench')

/**
 * Runs `work` beside the bundled server in a process of its own: in production mode, with the hash cost, the adapter and
 * the workers of the configuration, without anything that refuses, its log going nowhere, on an embedded database that
 * is kept for the next time. Throws ForgeError when it does not start.
 */
export const withOwnServer = async <T>(
  config: Config,
  terminal: Terminal,
  work: (server: OwnServer) => Promise<T>,
): Promise<T> => {
  terminal.progress?.('starting a server to measure')
  const dataDir = benchFolderOf(config)
  mkdirSync(dataDir, { recursive: true })
  const apart = { ...config, dataDir, database: { ...config.database, url: undefined, migrateUrl: undefined } }
  const beside = async ({ ownerUrl, addresses: { app, gate } }: ConnectedDatabase) => {
    await bringUpToDate(ownerUrl)
    const [secret, port] = [developmentSecret(dataDir), await freePort()]
    const url = `http://127.0.0.1:${port}`
    const child = start(dataDir, {
      ...variablesOf(config),
      PORT: `${port}`,
      JWT_SECRET: secret,
      DATABASE_URL: app.url,
      DATABASE_GATE_URL: gate.url,
      DATABASE_MIGRATE_URL: ownerUrl,
    })
    try {
      await untilReady(child, url)
      return await work({ url, ownerUrl, secret })
    } finally {
      await endProcess(child)
    }
  }
  return withAddresses(apart, terminal, beside).catch((error: unknown) => {
    // DATABASE_URL, which it names as a way out, holds what nobody wants to be filled by this.
    if (error instanceof DatabaseStartError) throw new ForgeError(`${noDatabase} ${error.message}`)
    throw error
  })
}

const noDatabase =
  'The embedded PostgreSQL, on which a server is started for this, does not run: measure one that runs with --url.'

/** Nothing is refused for want of budget, room or time: whoever measures decides by --concurrency how much waits. */
const boundless = {
  RATE_LIMIT_PER_MINUTE: '0',
  MAX_CALLS_RUNNING: '1000000',
  MAX_LOOP_DELAY_MILLISECONDS: '60000',
  HASH_QUEUE_LENGTH: '100000',
  DATABASE_ACQUIRE_TIMEOUT_SECONDS: '300',
  REQUEST_TIMEOUT_SECONDS: '3600',
}

const variablesOf = ({ http, hashing, database, auth, logLevel }: Config): Readonly<Record<string, string>> => ({
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  ...boundless,
  DRAIN_SECONDS: '0',
  LOG_LEVEL: logLevel,
  HTTP_ADAPTER: http.adapter,
  CLUSTER_WORKERS: `${http.workers}`,
  DATABASE_MAX_CONNECTIONS: `${database.maxConnections}`,
  JWT_ISSUER: auth.issuer,
  JWT_AUDIENCE: auth.audience,
  ARGON2_MEMORY_KIB: `${hashing.memoryKib}`,
  ARGON2_ITERATIONS: `${hashing.iterations}`,
  ARGON2_PARALLELISM: `${hashing.parallelism}`,
  HASH_CONCURRENCY: `${hashing.concurrency}`,
  // Whoever configured such a cost has said so already, and read the warning.
  ALLOW_WEAK_HASHING: 'true',
})

/** Not in this folder, so that no .env of it is read: what the server is told stands above. */
const start = (cwd: string, environment: Readonly<Record<string, string>>): ChildProcess =>
  spawn(process.execPath, [path.join(projectFolder, 'dist/main.js')], {
    cwd,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  })

const untilReady = async (child: ChildProcess, url: string): Promise<void> => {
  const complaint = child.stderr ? text(child.stderr) : Promise.resolve('')
  const deadlineMs = performance.now() + patienceMs
  while (performance.now() < deadlineMs) {
    if (hasEnded(child)) {
      throw new ForgeError(`The server to measure does not start: ${(await complaint).trim() || 'it was ended'}`)
    }
    const reply = await askServer(url, '/readyz').catch(() => undefined)
    if (reply?.status === 200) return
    await sleep(pollMs)
  }
  throw new ForgeError('The server to measure does not become ready within a minute: measure another with --url.')
}
