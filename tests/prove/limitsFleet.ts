import { randomUUID } from 'node:crypto'
import type { RedisServer } from '../support/redis.ts'
import { type Bundle, type ServerProcess, startServer } from '../support/serverProcess.ts'
import type { ProofCluster } from './databaseCluster.ts'
import { type Client, createClient, newAddress } from './limitsClient.ts'
import { sum } from './numbers.ts'

/** Server processes on one database, whose budgets are counted in one place. */
export interface Fleet {
  readonly servers: readonly ServerProcess[]
  readonly client: Client
  /** The servers in turn. */
  readonly urlOf: (index: number) => string
  /** Calls a minute of an address without valid credentials. */
  readonly addressBudget: number
  /** Opens an account, from an address of its own. */
  readonly openAccount: () => Promise<Owner>
  /** How many guesses all servers have refused until now, as their metrics tell. */
  readonly guessesRefused: () => Promise<number>
  readonly stop: () => Promise<void>
}

/** Somebody with an account, and a device that is signed in. */
export interface Owner {
  readonly email: string
  readonly accessToken: string
  readonly refreshToken: string
}

export interface FleetOptions {
  readonly bundle: Bundle
  readonly cluster: ProofCluster
  readonly store: 'memory' | 'postgres' | 'redis'
  readonly redis: RedisServer
  readonly processes: number
  readonly addressBudget: number
  readonly environment?: Readonly<Record<string, string>>
}

export const password = 'correct horse battery'
const adminToken = 'for the proof'
const atOnce = 64

/** Starts it. The servers trust a proxy at 127.0.0.1, which is what the client of the proof plays. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const servers: ServerProcess[] = []
  // The first one migrates.
  for (let index = 0; index < options.processes; index++) servers.push(await startMember(options, index === 0))
  const client = createClient(atOnce)
  const urlOf = (index: number) => servers[index % servers.length]?.url ?? ''
  return {
    servers,
    client,
    urlOf,
    addressBudget: options.addressBudget,
    openAccount: () => openAccount(client, urlOf(0)),
    async guessesRefused() {
      const pages = await Promise.all(servers.map(({ url }) => readMetrics(url)))
      return sum(pages.map((page) => Number(/^tsforge_guesses_refused_total(?:{.*})? (\d+)/m.exec(page)?.[1] ?? 0)))
    },
    async stop() {
      client.close()
      await Promise.all(servers.map(({ stop }) => stop()))
    },
  }
}

const startMember = ({ bundle, cluster, store, redis, addressBudget, environment }: FleetOptions, isFirst: boolean) =>
  startServer({
    program: bundle.pathOf('main'),
    environment: {
      DATA_DIR: bundle.folder,
      DATABASE_URL: cluster.appUrl,
      DATABASE_GATE_URL: cluster.gateUrl,
      DATABASE_MIGRATE_URL: cluster.ownerUrl,
      DATABASE_MAX_CONNECTIONS: '8',
      // What is too much at once is another proof's question: here all are judged by their budgets.
      MAX_CALLS_RUNNING: '10000',
      MAX_LOOP_DELAY_MILLISECONDS: '30000',
      DATABASE_ACQUIRE_TIMEOUT_SECONDS: '60',
      MIGRATE_ON_START: String(isFirst),
      LOG_LEVEL: 'info',
      TRUSTED_PROXIES: '127.0.0.1',
      ADMIN_TOKEN: adminToken,
      RATE_LIMIT_PER_MINUTE: String(addressBudget),
      RATE_LIMIT_STORE: store,
      ...(store === 'redis' ? { REDIS_URL: redis.url } : {}),
      ...environment,
    },
  })

async function openAccount(client: Client, url: string): Promise<Owner> {
  const email = `${randomUUID()}@example.org`
  const body = { email, password, name: 'Ada' }
  const visit = { method: 'POST', path: '/api/v1/auth/register', body, forwarded: newAddress() } as const
  const { status, data, failure } = await client.visit(url, visit)
  if (status !== 201) throw new Error(`no account was opened: ${status} ${failure}`)
  return { email, accessToken: data.tokens.access_token, refreshToken: data.tokens.refresh_token }
}

const readMetrics = async (url: string): Promise<string> => {
  const answer = await fetch(`${url}/admin/metrics`, { headers: { 'x-admin-token': adminToken } })
  if (!answer.ok) throw new Error(`no metrics: ${answer.status}`)
  return answer.text()
}
