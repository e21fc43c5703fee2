/**
 * Proves that a server process that has served for long holds no more than one that has just begun: memory after a
 * forced collection, handles, timers, files and database connections.
 */
import { readdirSync } from 'node:fs'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { withConnection } from '../../db/oneConnection.ts'
import { createAccessTokens } from '../../server/platform/tokens.ts'
import {
  type Bundle,
  bundlePrograms,
  provingEnvironment,
  type ServerProcess,
  startServer,
} from '../support/serverProcess.ts'
import { type ProofCluster, startCluster } from './databaseCluster.ts'
import { exchange } from './databaseTraffic.ts'
import { type Proof, prove } from './harness.ts'
import { type Ask, administer, callProcedures, found, signUp, useKey, visit } from './soakPeople.ts'
import type { Holding } from './soakServer.ts'
import { type SoakTraffic, startSoak } from './soakTraffic.ts'
import { type Measurement, trendOf } from './soakTrend.ts'

const megabyte = 1024 * 1024
const requestsPerSecond = 120
/** As fast as the people go: what is made at first use, for each statement on each connection, is made by then. */
const warmUpRates = { requestsPerSecond: 10_000, connectionsPerSecond: 10 }
const databaseConnections = 4
/** As many as the server remembers, so that it remembers no more of them later: cachedTokensMax in tokens.ts. */
const rememberedTokens = 10_000
const startLanes = 16
/** Database connections at rest are closed after 30 seconds, sockets of clients that left after 10. */
const restMs = 60_000
const pollMs = 500

interface Plan {
  readonly warmUpMs: number
  readonly soakMs: number
  readonly measurements: number
  readonly connections: number
  /** What growth is judged by. The short form is still warming up, so it tells large leaks alone. */
  readonly slopeMaxMbPerHour: number
  readonly isLeaking: boolean
}

interface Scene {
  readonly cluster: ProofCluster
  readonly server: ServerProcess
}

async function soak(proof: Proof, bundle: Bundle, plan: Plan): Promise<void> {
  const cluster = await startCluster({ isDurable: false })
  let server: ServerProcess | undefined
  let traffic: SoakTraffic | undefined
  try {
    server = await startServer(startOf(cluster, bundle, plan))
    const scene = { cluster, server }
    const ask = askOf(server)
    const administrator = await signUp(ask)
    await makeAdministrator(cluster, administrator.id)
    const before = await levels(scene)
    await fillTokenMemory(ask, administrator.token)
    const errands = [visit, useKey, visit, found, callProcedures, administer(administrator.token)]
    const warmUp = startSoak({ url: server.url, errands, ...warmUpRates })
    await sleep(plan.warmUpMs)
    await warmUp.stop()
    const connectionsPerSecond = (plan.connections / plan.soakMs) * 1000
    traffic = startSoak({ url: server.url, errands, requestsPerSecond, connectionsPerSecond })
    const holdings = await measure(proof, plan, server, traffic)
    while (traffic.counts.connections < plan.connections) await sleep(pollMs)
    await traffic.stop()
    checkTraffic(proof, plan, { warmUp, traffic })
    checkMemory(proof, plan, holdings)
    await checkLevels(proof, scene, before)
    proof.check('the process ends well when asked to', (await server.stop()) === 0)
  } finally {
    await traffic?.stop()
    await server?.stop()
    await cluster.stop()
  }
}

const startOf = (cluster: ProofCluster, bundle: Bundle, { isLeaking }: Plan) => ({
  program: bundle.pathOf('soakServer'),
  arguments: isLeaking ? ['leak'] : [],
  nodeOptions: ['--expose-gc'],
  hasChannel: true,
  environment: {
    DATA_DIR: bundle.folder,
    DATABASE_URL: cluster.appUrl,
    DATABASE_GATE_URL: cluster.gateUrl,
    DATABASE_MIGRATE_URL: cluster.ownerUrl,
    DATABASE_MAX_CONNECTIONS: String(databaseConnections),
    // The administrator signs in once, for all the time that the proof takes.
    ACCESS_TTL_SECONDS: '86400',
  },
})

/** For what is done before the clock starts: whatever is not answered as it should be ends the proof. */
const askOf = ({ url }: ServerProcess): Ask => {
  const agent = new Agent({ keepAlive: false })
  return async (name, status, call) => {
    const answer = await exchange(agent, url, call)
    if (answer.status !== status) throw new Error(`${name}: ${answer.status} ${answer.code}`)
    return answer
  }
}

const makeAdministrator = ({ ownerUrl }: ProofCluster, id: string) =>
  withConnection(ownerUrl, (owner) =>
    owner.query(
      `insert into user_roles (user_id, role_id)
       select $1, id from roles where code = 'admin' and is_system and tenant_id is null`,
      [id],
    ),
  )

/** Shows as many valid tokens of one session as the server remembers. */
async function fillTokenMemory(ask: Ask, token: string): Promise<void> {
  const { sub, sid, iss, aud } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  let nowMs = Date.now()
  const tokens = await createAccessTokens({
    ...{ secret: provingEnvironment.JWT_SECRET, previousSecrets: [], keys: [], issuer: iss, audience: aud },
    ttlSeconds: 900,
    // A second later each time, so that no two are the same.
    now() {
      nowMs += 1000
      return new Date(nowMs)
    },
  })
  let left = rememberedTokens
  const lane = async () => {
    while (left-- > 0) {
      const { token: another } = await tokens.issue({ userId: sub, sessionId: sid })
      await ask('auth.me', 200, { method: 'GET', path: '/api/v1/auth/me', token: another })
    }
  }
  await Promise.all(Array.from({ length: startLanes }, lane))
}

interface Taken extends Holding {
  readonly atMs: number
}

/** Evenly over the time, each while nothing is asked. */
async function measure(proof: Proof, plan: Plan, server: ServerProcess, traffic: SoakTraffic): Promise<Taken[]> {
  const taken: Taken[] = []
  const startedAt = performance.now()
  for (let index = 0; index < plan.measurements; index++) {
    const dueMs = (plan.soakMs * index) / (plan.measurements - 1)
    await sleep(Math.max(0, startedAt + dueMs - performance.now()))
    await traffic.pause()
    taken.push({ atMs: performance.now(), ...((await server.ask('holding')) as Holding) })
    traffic.resume()
    proof.progress(`${index + 1}/${plan.measurements} measurements, ${traffic.counts.requests} requests`)
  }
  return taken
}

function checkTraffic(
  proof: Proof,
  plan: Plan,
  { warmUp, traffic: { counts, breaches: later } }: { warmUp: SoakTraffic; traffic: SoakTraffic },
): void {
  const breaches = new Map([...warmUp.breaches, ...later])
  proof.figure('requests to warm up', warmUp.counts.requests)
  proof.check('every call was answered as it should be', breaches.size === 0, Object.fromEntries(breaches))
  proof.atLeast('requests', counts.requests, Math.floor((plan.soakMs / 1000) * requestsPerSecond * 0.5))
  proof.atLeast('connections opened and closed for one request or less', counts.connections, plan.connections)
}

/**
 * Fails when the slope is above its limit by more than twice its standard error; both are printed, so that one sees
 * what a run could have told.
 */
function checkMemory(proof: Proof, { slopeMaxMbPerHour }: Plan, holdings: readonly Taken[]): void {
  for (const [name, field] of [
    ['heap', 'heapBytes'],
    ['resident memory', 'rssBytes'],
  ] as const) {
    const series: Measurement[] = holdings.map((taken) => ({ atMs: taken.atMs, value: taken[field] / megabyte }))
    const { slopePerHour, errorPerHour } = trendOf(series)
    const shown = `${slopePerHour.toFixed(2)} ± ${errorPerHour.toFixed(2)} MB an hour`
    proof.check(
      `${name} after collection does not grow by ${slopeMaxMbPerHour} MB an hour or more`,
      slopePerHour - 2 * errorPerHour < slopeMaxMbPerHour,
      shown,
    )
    proof.figure(`${name}, slope over ${series.length} measurements`, shown)
    proof.figure(`${name}, some of them`, some(series))
  }
}

const shownMax = 12

/** Some of the values, evenly spread over the time. */
const some = (series: readonly Measurement[]) => {
  const step = Math.max(1, Math.floor(series.length / shownMax))
  return series
    .filter((_, index) => index % step === 0)
    .map(({ value }) => value.toFixed(1))
    .join(' ')
}

type Levels = Readonly<Record<string, number>>

/** Everything that is opened and must be closed again. */
async function levels({ server, cluster }: Scene): Promise<Levels> {
  const { resources } = (await server.ask('holding')) as Holding
  const connections = await withConnection(cluster.ownerUrl, (owner) =>
    owner.query<{ count: number }>(
      `select count(*)::int from pg_stat_activity where datname = current_database() and usename in ('app', 'gate')`,
    ),
  )
  const files = process.platform === 'linux' ? readdirSync(`/proc/${server.pid}/fd`).length : 0
  return { ...resources, 'database connections': connections.rows[0]?.count ?? 0, 'open files': files }
}

async function checkLevels(proof: Proof, scene: Scene, before: Levels): Promise<void> {
  const deadline = performance.now() + restMs
  let above: string[]
  do {
    const now = await levels(scene)
    above = Object.entries(now).flatMap(([name, count]) =>
      count > (before[name] ?? 0) ? [`${name}: ${before[name] ?? 0} before, ${count} now`] : [],
    )
    if (above.length > 0) await sleep(pollMs)
  } while (above.length > 0 && performance.now() < deadline)
  proof.check('handles, timers, files and database connections are as before the traffic', above.length === 0, above)
  proof.figure(
    'they are',
    Object.entries(before)
      .map(([name, count]) => `${count} ${name}`)
      .join(', '),
  )
}

const minuteMs = 60_000

await prove('soak', { limitSeconds: 7_200, numbers: ['minutes'] }, async (proof) => {
  const bundle = await bundlePrograms({ soakServer: 'tests/prove/soakServer.ts' })
  try {
    const minutes = proof.numberOf('minutes') ?? 20
    const short = { warmUpMs: 20_000, soakMs: 30_000, measurements: 15, connections: 1_000, slopeMaxMbPerHour: 400 }
    const long = {
      warmUpMs: 2 * minuteMs,
      soakMs: minutes * minuteMs,
      measurements: minutes * 6,
      connections: 10_000,
      slopeMaxMbPerHour: 1,
    }
    await soak(proof, bundle, { ...(proof.isQuick ? short : long), isLeaking: false })
    await proof.control('a server that keeps 64 numbers of every statement', 'heap after collection', (inner) =>
      soak(inner, bundle, { ...short, isLeaking: true }),
    )
  } finally {
    bundle.remove()
  }
})
