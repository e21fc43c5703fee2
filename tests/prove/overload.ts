/**
 * Proves what docs/deployment.md promises of a server that is asked for more than it can do: what it can do it goes on
 * doing, the rest is refused at once, probes are answered, memory is bounded, and afterwards all is as before.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Bundle, bundlePrograms, type ServerProcess } from '../support/serverProcess.ts'
import { type ProofCluster, startCluster } from './databaseCluster.ts'
import { type Proof, prove } from './harness.ts'
import { password } from './keyedCalls.ts'
import { startProbes } from './overloadProbes.ts'
import { startQuietServer } from './quietServer.ts'
import { createRawLoad, type Outcome, type RawLoad } from './rawLoad.ts'

const usefulMs = 1_000
const peakConnections = [32, 64, 128, 256]
const timesPeak = 3
const goodputLeast = 0.8
const rssMoreMaxMib = 192
const recoveryMs = 2_000
/** Of the peak: what comes after the storm. */
const calmShare = 0.4
const accounts = 8

interface Plan {
  readonly cluster: ProofCluster
  readonly bundle: Bundle
  readonly peakMs: number
  readonly stormMs: number
  readonly environment?: Readonly<Record<string, string>>
}

async function survive(proof: Proof, { cluster, bundle, peakMs, stormMs, environment }: Plan): Promise<void> {
  const server = await startQuietServer({
    program: bundle.pathOf('main'),
    environment: {
      DATA_DIR: bundle.folder,
      DATABASE_URL: cluster.appUrl,
      DATABASE_GATE_URL: cluster.gateUrl,
      DATABASE_MIGRATE_URL: cluster.ownerUrl,
      ...environment,
    },
  })
  const load = createRawLoad({
    url: server.url,
    request: await foundingsAt(server),
    maxConnections: 6_000,
    usefulMs,
  })
  try {
    const perSecond = await findPeak(proof, load, peakMs)
    await storm(proof, { server, load, perSecond, stormMs })
    await checkRecovery(proof, load, perSecond)
    proof.check('the process ends well when asked to', (await server.stop()) === 0)
  } finally {
    load.close()
    await server.stop()
  }
}

/** Tenants founded with a key, in the name of several people: the longest transaction of the ordinary calls. */
async function foundingsAt({ url }: Pick<ServerProcess, 'url'>): Promise<() => string> {
  const { host } = new URL(url)
  const open = async () => {
    const body = JSON.stringify({ email: `${randomUUID()}@example.org`, password, name: 'Ada' })
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${url}/api/v1/auth/register`, { method: 'POST', headers, body })
    const { data } = (await reply.json()) as { data: { tokens: { access_token: string } } }
    return [
      `POST /api/v1/tenants HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${data.tokens.access_token}`,
      'content-type: application/json\r\ncontent-length: ',
    ].join('\r\n')
  }
  const heads = await Promise.all(Array.from({ length: accounts }, open))
  let next = 0
  return () => {
    const id = randomUUID()
    const body = `{"name":"Acme","slug":"${id}"}`
    return `${heads[next++ % heads.length]}${body.length}\r\nidempotency-key: ${id}\r\n\r\n${body}`
  }
}

/** The most that is answered in a second while nobody is kept waiting for long. */
async function findPeak(proof: Proof, load: RawLoad, ms: number): Promise<number> {
  await load.closedLoop(peakConnections[0] ?? 1, ms / 2)
  const rates: number[] = []
  for (const connections of peakConnections) {
    const { goodMeanwhile } = await load.closedLoop(connections, ms)
    rates.push((goodMeanwhile * 1000) / ms)
    proof.progress(`${connections} connections: ${Math.round(rates.at(-1) ?? 0)} a second`)
  }
  const peak = Math.max(...rates)
  proof.figure('sustainable rate, a second', Math.round(peak))
  return peak
}

interface Storm {
  readonly server: Pick<ServerProcess, 'pid' | 'url'>
  readonly load: RawLoad
  readonly perSecond: number
  readonly stormMs: number
}

async function storm(proof: Proof, { server, load, perSecond, stormMs }: Storm): Promise<void> {
  const before = rssMib(server.pid)
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, rssMib(server.pid))
  }, 100)
  const probes = startProbes(server.url)
  const outcome = await load.openLoop(timesPeak * perSecond, stormMs)
  clearInterval(watch)
  const seen = await probes.stop()
  const goodput = (outcome.goodMeanwhile * 1000) / stormMs
  const offered = (outcome.sent * 1000) / stormMs
  reportStorm(proof, outcome)
  proof.atLeast(
    'requests sent a second, of three times the peak',
    Math.round(offered),
    Math.round(0.8 * timesPeak * perSecond),
  )
  proof.check(
    `goodput is ${goodputLeast * 100} % of the peak or more: ${Math.round((goodput / perSecond) * 100)} %`,
    goodput >= goodputLeast * perSecond,
    Math.round(goodput),
  )
  const statuses = [...outcome.others.keys()].filter((status) => status !== '503')
  proof.check('everything else is answered 503, no connection is lost', statuses.length === 0, statuses)
  proof.check(
    `memory grows by ${rssMoreMaxMib} MiB at most: ${Math.round(before)} to ${Math.round(most)} MiB`,
    most - before <= rssMoreMaxMib,
  )
  proof.check(
    `probes are answered meanwhile: ${seen.answered} of ${seen.asked}, slowest ${Math.round(seen.slowestMs)} ms`,
    seen.asked > 0 && seen.answered === seen.asked,
    seen.wrong,
  )
  proof.figure('of them /readyz with 503', seen.notReady)
}

function reportStorm(proof: Proof, { good, late, others, unsent, latenciesMs }: Outcome): void {
  const sorted = latenciesMs.sort((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)
  const rest = [...others].map(([status, times]) => `${status}: ${times}`).join(', ')
  proof.figure('answered in time, too late, refused', `${good}, ${late}, ${rest || 'none'}`)
  proof.figure('latency of what was answered in time, middle and 99 %', `${at(0.5)} ms, ${at(0.99)} ms`)
  if (unsent > 0) proof.figure('not sent, because every connection waited', unsent)
}

/** Two seconds later an ordinary load is answered as if nothing had been. */
async function checkRecovery(proof: Proof, load: RawLoad, perSecond: number): Promise<void> {
  // The second for which the storm was waited to settle counts.
  await load.openLoop(calmShare * perSecond, recoveryMs - 1_000)
  const { sent, good, others, late } = await load.openLoop(calmShare * perSecond, 2_000)
  proof.check(
    `${recoveryMs} ms after it all ${sent} requests of an ordinary load are answered in time`,
    sent > 0 && good === sent,
    { good, late, ...Object.fromEntries(others) },
  )
}

/** Resident memory, from the kernel. */
function rssMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib ?? 0) / 1024
}

await prove('overload', { limitSeconds: 280 }, async (proof) => {
  const bundle = await bundlePrograms({ main: 'server/main.ts' })
  const cluster = await startCluster({ isDurable: true })
  try {
    const times = proof.isQuick ? { peakMs: 2_000, stormMs: 5_000 } : { peakMs: 5_000, stormMs: 20_000 }
    await survive(proof, { cluster, bundle, ...times })
    const environment = {
      MAX_CALLS_RUNNING: '1000000',
      MAX_LOOP_DELAY_MILLISECONDS: '60000',
      // A sixth of it bounds the queue for connections.
      DATABASE_ACQUIRE_TIMEOUT_SECONDS: '300',
    }
    await proof.control('a server that refuses nothing', 'goodput is', (inner) =>
      survive(inner, { cluster, bundle, peakMs: 2_000, stormMs: 8_000, environment }),
    )
  } finally {
    await cluster.stop()
    bundle.remove()
  }
})
