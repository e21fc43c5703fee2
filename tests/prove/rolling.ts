/**
 * Proves that a rolling restart costs no request: two server processes behind haproxy, set up by `deploy/haproxy.cfg`,
 * are replaced one after the other, again and again, while clients on kept connections read and write, and others
 * follow streams of events. A client sends nothing twice, and comes back to a stream that the server has ended.
 */
import { Agent } from 'node:http'
import { freePort } from '../../db/embedded/freePort.ts'
import { type Bundle, bundlePrograms, type ServerProcess, startServer } from '../support/serverProcess.ts'
import { checkKept } from './databaseAftermath.ts'
import { type ProofCluster, startCluster } from './databaseCluster.ts'
import { idleMs, startTraffic } from './databaseTraffic.ts'
import { type Haproxy, haproxyVersion, type Instance, instances, startHaproxy } from './haproxy.ts'
import { type Proof, prove } from './harness.ts'
import { type Streams, startStreams } from './rollingStreams.ts'

const perSecond = 700
const clientConnections = 64
const mix = { register: 0.06, login: 0.06 }
const pollMs = 20

interface Plan {
  /** Each replaces both instances. */
  readonly restarts: number
  readonly requestsLeast: number
  /** haproxy needs two failed checks, half a second apart, to look elsewhere. */
  readonly drainSeconds: number
  readonly signal: 'SIGTERM' | 'SIGKILL'
  /** Whether haproxy may send something again. */
  readonly mayRepeat: boolean
  /** Whether a stream's client says what it had last when it comes back. */
  readonly resumes: boolean
}

/**
 * What clients ask of the service while it is restarted. Every kind of client joins in here; each counts its requests
 * and says what must not have happened, and how often.
 */
interface Clients {
  readonly counts: { readonly requests: number }
  readonly breaches: ReadonlyMap<string, number>
  readonly stop: () => Promise<void>
}

interface Scene {
  readonly plan: Plan
  readonly haproxy: Haproxy
  readonly clients: readonly Clients[]
  readonly running: Map<Instance, ServerProcess>
  readonly start: (instance: Instance) => Promise<ServerProcess>
  /** How the processes ended that were told to: 0, or another code with the last line they wrote. */
  readonly endings: string[]
}

async function roll(proof: Proof, bundle: Bundle, plan: Plan): Promise<void> {
  const cluster = await startCluster({ isDurable: false })
  const ports = { first: await freePort(), second: await freePort() }
  const start = (instance: Instance) =>
    startServer({ program: bundle.pathOf('main'), environment: environmentOf(cluster, bundle, plan, ports[instance]) })
  const running = new Map<Instance, ServerProcess>()
  let haproxy: Haproxy | undefined
  let clients: Clients[] = []
  try {
    for (const instance of instances) running.set(instance, await start(instance))
    haproxy = await startHaproxy({ ports, mayRepeat: plan.mayRepeat })
    for (const instance of instances) await haproxy.takes(instance)
    const agent = new Agent({ keepAlive: true, maxSockets: clientConnections, scheduling: 'fifo', timeout: idleMs })
    const { random } = proof
    const traffic = startTraffic({ url: haproxy.url, perSecond, random, agent, mix, atOnceMax: clientConnections })
    const streams: Streams = await startStreams({ url: haproxy.url, resumes: plan.resumes })
    clients = [traffic, streams]
    const endings: Scene['endings'] = []
    await restartAll(proof, { plan, haproxy, clients, running, start, endings })
    await checkClients(proof, plan, { haproxy, clients, endings })
    streams.check(proof)
    await checkKept(proof, cluster, traffic)
  } finally {
    await Promise.all(clients.map((each) => each.stop()))
    await haproxy?.stop()
    await Promise.all([...running.values()].map((server) => server.stop()))
    await cluster.stop()
  }
}

const environmentOf = (cluster: ProofCluster, { folder }: Bundle, { drainSeconds }: Plan, port: number) => ({
  DATA_DIR: folder,
  DATABASE_URL: cluster.appUrl,
  DATABASE_GATE_URL: cluster.gateUrl,
  DATABASE_MIGRATE_URL: cluster.ownerUrl,
  PORT: String(port),
  DRAIN_SECONDS: String(drainSeconds),
  TRUSTED_PROXIES: '127.0.0.1',
})

/** One instance after the other, each time waiting until haproxy takes the new one. */
async function restartAll(proof: Proof, { plan, haproxy, running, start, endings, clients }: Scene): Promise<void> {
  for (let restart = 1; restart <= plan.restarts; restart++) {
    for (const instance of instances) {
      proof.progress(`restart ${restart}/${plan.restarts} of ${instance}, ${requestsOf(clients)} requests`)
      const old = running.get(instance)
      if (!old) throw new Error(`${instance} is not running`)
      if (plan.signal === 'SIGKILL') process.kill(old.pid, 'SIGKILL')
      const code = await old.stop()
      endings.push(code === 0 ? '0' : `${code}: ${old.lines.at(-1)}`)
      running.set(instance, await start(instance))
      await haproxy.takes(instance)
    }
  }
  while (requestsOf(clients) < plan.requestsLeast) await new Promise((resolve) => setTimeout(resolve, pollMs))
  await Promise.all(clients.map((each) => each.stop()))
}

const requestsOf = (clients: readonly Clients[]) => clients.reduce((total, { counts }) => total + counts.requests, 0)

async function checkClients(
  proof: Proof,
  plan: Plan,
  { haproxy, clients, endings }: Pick<Scene, 'haproxy' | 'clients' | 'endings'>,
): Promise<void> {
  const breaches = clients.flatMap((each) => [...each.breaches])
  proof.check('no request failed', breaches.length === 0, Object.fromEntries(breaches))
  proof.check(
    `${plan.restarts} times each instance ended with 0`,
    endings.length === plan.restarts * instances.length && endings.every((code) => code === '0'),
    endings,
  )
  proof.atLeast('requests', requestsOf(clients), plan.requestsLeast)
  const { repeated, opened, reused } = await haproxy.counts()
  proof.figure('attempts that haproxy repeated', repeated)
  proof.figure('instances that haproxy took for down, by reason', JSON.stringify(Object.fromEntries(haproxy.downs)))
  proof.figure('requests over a connection to a server that was there, and connections opened', `${reused}, ${opened}`)
}

const version = haproxyVersion()
if (version === undefined) {
  process.stderr.write('haproxy is not installed: on Debian and Ubuntu, apt-get install haproxy.\n')
  process.exit(1)
}

await prove('rolling', { limitSeconds: 1_200, numbers: ['restarts'] }, async (proof) => {
  proof.figure('haproxy', version)
  const bundle = await bundlePrograms({ main: 'server/main.ts' })
  try {
    const extent = proof.isQuick
      ? { restarts: 3, requestsLeast: 5_000 }
      : { restarts: proof.numberOf('restarts') ?? 20, requestsLeast: 100_000 }
    await roll(proof, bundle, { ...extent, drainSeconds: 2, signal: 'SIGTERM', mayRepeat: true, resumes: true })
    const bare = { restarts: 1, requestsLeast: 1_000, mayRepeat: false, resumes: true }
    await proof.control('DRAIN_SECONDS=0, where haproxy repeats nothing', 'no request failed', (inner) =>
      roll(inner, bundle, { ...bare, drainSeconds: 0, signal: 'SIGTERM' }),
    )
    await proof.control('kill -9, where haproxy repeats nothing', 'no request failed', (inner) =>
      roll(inner, bundle, { ...bare, drainSeconds: 2, signal: 'SIGKILL' }),
    )
    await proof.control('clients that do not say what they had last', 'each of 27 stream clients', (inner) =>
      roll(inner, bundle, { ...bare, mayRepeat: true, drainSeconds: 2, signal: 'SIGTERM', resumes: false }),
    )
  } finally {
    bundle.remove()
  }
})
