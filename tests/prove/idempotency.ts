/**
 * Proves what README and docs/proofs.md promise of an Idempotency-Key: one effect and one answer, though the server is
 * killed at whatever point of the call, and though many of the same come at once.
 */

import { type Bundle, bundlePrograms, startServer } from '../support/serverProcess.ts'
import { type ProofCluster, startCluster } from './databaseCluster.ts'
import { prove } from './harness.ts'
import { checkKills } from './idempotencyKills.ts'
import { checkTwins } from './idempotencyTwins.ts'
import type { KillPoint } from './killPoints.ts'

/** How a server is started on this database, to die at a point or not, with the claim of keys taken away or not. */
const starterOf = (bundle: Bundle, { appUrl, gateUrl, ownerUrl }: ProofCluster, guardTaken?: 'claim') => {
  let isMigrated = false
  return (point?: KillPoint) => {
    const environment = {
      DATA_DIR: bundle.folder,
      DATABASE_URL: appUrl,
      DATABASE_GATE_URL: gateUrl,
      DATABASE_MIGRATE_URL: ownerUrl,
      DATABASE_MAX_CONNECTIONS: '8',
      // The last calls are repeated with the tokens of the first.
      ACCESS_TTL_SECONDS: '14400',
      // One starts before all others.
      MIGRATE_ON_START: String(!isMigrated),
    }
    isMigrated = true
    const words = [guardTaken, point].filter((word) => word !== undefined)
    return startServer({ program: bundle.pathOf('mortal'), arguments: words, environment })
  }
}

await prove('idempotency', { limitSeconds: 3_000 }, async (proof) => {
  const bundle = await bundlePrograms({ mortal: 'tests/prove/mortalServer.ts' })
  const cluster = await startCluster({ isDurable: true })
  const { ownerUrl } = cluster
  try {
    const start = starterOf(bundle, cluster)
    await checkKills(proof, { eachPoint: proof.isQuick ? 10 : 100, start, ownerUrl })
    const servers = [await start(), await start()]
    await checkTwins(proof, { keys: proof.isQuick ? 20 : 200, twins: 50, servers, ownerUrl })
    await Promise.all(servers.map(({ stop }) => stop()))

    const startUnclaimed = starterOf(bundle, cluster, 'claim')
    await proof.control('a server that claims no keys, killed after the commit,', 'exactly one effect', (inner) =>
      checkKills(inner, { eachPoint: 4, points: ['after the commit'], start: startUnclaimed, ownerUrl }),
    )
    await proof.control('a server that claims no keys, asked by twins,', 'exactly one took effect', async (inner) => {
      const unclaimed = [await startUnclaimed(), await startUnclaimed()]
      await checkTwins(inner, { keys: 4, twins: 10, servers: unclaimed, ownerUrl })
      await Promise.all(unclaimed.map(({ stop }) => stop()))
    })
  } finally {
    await cluster.stop()
    bundle.remove()
  }
})
