/**
 * Proves what README and docs/proofs.md promise of a database that dies under load: PostgreSQL is restarted without
 * warning and its postmaster killed, again and again, while a real server process is asked 200 times a second.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bundle, bundlePrograms, type ServerProcess, startServer } from '../support/serverProcess.ts'
import { checkFree, checkKept, checkSignIns } from './databaseAftermath.ts'
import { type ProofCluster, startCluster } from './databaseCluster.ts'
import { recoveryMs, startTraffic, type Traffic } from './databaseTraffic.ts'
import { type Proof, prove } from './harness.ts'
import { middle, shuffled, sum } from './numbers.ts'

const perSecond = 200
const connections = 8
const warmUpMs = 1_500
const [calmLeastMs, calmMoreMs] = [1_500, 1_500]

interface Plan {
  readonly restarts: number
  readonly kills: number
  /** The name of a program in the bundle. */
  readonly program: string
  readonly guardTaken?: string
  readonly isDurable: boolean
}

/** One server, one database, all faults of the plan, and what must be so afterwards. */
async function survive(proof: Proof, bundle: Bundle, plan: Plan): Promise<void> {
  // Drawn before the traffic draws its own, whose number depends on the machine.
  const faults = faultsOf(proof, plan).map((kind) => ({ kind, calmMs: calmLeastMs + proof.random() * calmMoreMs }))
  const cluster = await startCluster(plan)
  let server: ServerProcess | undefined
  let traffic: Traffic | undefined
  try {
    server = await startServer({
      program: bundle.pathOf(plan.program),
      ...(plan.guardTaken === undefined ? {} : { arguments: [plan.guardTaken] }),
      environment: {
        DATA_DIR: bundle.folder,
        DATABASE_URL: cluster.appUrl,
        DATABASE_GATE_URL: cluster.gateUrl,
        DATABASE_MIGRATE_URL: cluster.ownerUrl,
        DATABASE_MAX_CONNECTIONS: String(connections),
      },
    })
    traffic = startTraffic({ url: server.url, perSecond, random: proof.random })
    await hurt(proof, plan, { cluster, server, traffic, faults })
    if (server.ended() !== undefined) return
    await checkKept(proof, cluster, traffic)
    await checkSignIns(proof, traffic)
    await checkFree(proof, { cluster, traffic, connections })
    proof.check('the process ends well when asked to', (await server.stop()) === 0)
  } finally {
    await server?.stop()
    await traffic?.stop()
    await cluster.stop()
  }
}

interface Scene {
  readonly cluster: ProofCluster
  readonly server: ServerProcess
  readonly traffic: Traffic
  readonly faults: readonly { readonly kind: 'restart' | 'kill -9'; readonly calmMs: number }[]
}

/** All faults, one after the other. */
async function hurt(proof: Proof, plan: Plan, { cluster, server, traffic, faults }: Scene): Promise<void> {
  const recoveries: number[] = []
  const outages: number[] = []
  const startedAt = performance.now()
  await sleep(warmUpMs)
  for (const [index, { kind, calmMs }] of faults.entries()) {
    proof.progress(`${index + 1}/${faults.length} ${kind}, ${traffic.counts.requests} requests`)
    const goneAt = performance.now()
    traffic.goesAway()
    await (kind === 'kill -9' ? cluster.killPostmaster() : cluster.restartImmediately())
    await cluster.accepting()
    outages.push(performance.now() - goneAt)
    recoveries.push(await traffic.isBack())
    if (server.ended() !== undefined) break
    await sleep(calmMs)
  }
  await sleep(recoveryMs)
  const seconds = (performance.now() - startedAt) / 1000
  await traffic.stop()
  reportHurt(proof, { plan, server, traffic, recoveries, outages, seconds })
}

interface Hurt extends Pick<Scene, 'server' | 'traffic'> {
  readonly plan: Plan
  readonly recoveries: readonly number[]
  readonly outages: readonly number[]
  readonly seconds: number
}

function reportHurt(proof: Proof, { plan, server, traffic, recoveries, outages, seconds }: Hurt): void {
  const { counts, breaches } = traffic
  const worst = Math.max(...recoveries)
  proof.check(
    `the process lives: ${plan.restarts} × immediate restart, ${plan.kills} × kill -9 of the postmaster`,
    server.ended() === undefined && recoveries.length === plan.restarts + plan.kills,
    `ended with ${server.ended()} after ${recoveries.length} of them`,
  )
  proof.check(
    'every other answer is 503 unavailable with Retry-After, while the database is away',
    breaches.size === 0,
    Object.fromEntries(breaches),
  )
  proof.check(`the first success comes within ${recoveryMs} ms of the database being back`, worst <= recoveryMs, worst)
  proof.atLeast('requests', counts.requests, Math.floor(seconds * perSecond * 0.9))
  proof.atLeast('requests refused', counts.refused, recoveries.length)
  proof.figure('requests answered with success, and refused', `${counts.succeeded}, ${counts.refused}`)
  proof.figure('answers that were replays of a lost one', counts.replayed)
  proof.figure('rate over all, a second', Math.round(counts.requests / seconds))
  proof.figure(
    'database away, longest and sum',
    `${Math.round(Math.max(...outages))} ms, ${Math.round(sum(outages))} ms`,
  )
  proof.figure(
    'first success after it, slowest and middle',
    `${Math.round(worst)} ms, ${Math.round(middle(recoveries))} ms`,
  )
}

/** The faults of a plan in an order of the seed. */
const faultsOf = (proof: Proof, { restarts, kills }: Plan): ('restart' | 'kill -9')[] =>
  shuffled(proof, [...Array<'restart'>(restarts).fill('restart'), ...Array<'kill -9'>(kills).fill('kill -9')])

await prove('database', { limitSeconds: 400 }, async (proof) => {
  const bundle = await bundlePrograms({ main: 'server/main.ts', unguarded: 'tests/prove/unguardedServer.ts' })
  try {
    const counts = proof.isQuick ? { restarts: 2, kills: 1 } : { restarts: 10, kills: 5 }
    await survive(proof, bundle, { ...counts, program: 'main', isDurable: true })
    const once = { restarts: 1, kills: 0, program: 'unguarded', isDurable: true }
    await proof.control('a server that does not listen to its pool', 'the process lives', (inner) =>
      survive(inner, bundle, { ...once, guardTaken: 'listeners' }),
    )
    await proof.control('a server that does not recognise a lost connection', 'every other answer', (inner) =>
      survive(inner, bundle, { ...once, guardTaken: 'reasons' }),
    )
    // Several times, since what one of them loses may be sessions alone.
    await proof.control('a database that acknowledges before it has written', 'none is missing', (inner) =>
      survive(inner, bundle, { ...once, restarts: 3, program: 'main', isDurable: false }),
    )
  } finally {
    bundle.remove()
  }
})
