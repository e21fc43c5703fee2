/**
 * Proves what README and docs/proofs.md promise of limits: what several server processes admit together stays within
 * one budget, whatever is sent at once and whatever it says of its address; a store that dies stops nobody; and guesses
 * at an account neither succeed beyond its budget, nor tell anything, nor disturb its owner.
 */
import { startRedis } from '../support/redis.ts'
import { bundlePrograms } from '../support/serverProcess.ts'
import { startCluster } from './databaseCluster.ts'
import { type Proof, prove } from './harness.ts'
import { checkAnswers } from './limitsAnswers.ts'
import { checkAddress, checkClasses, checkCredentials } from './limitsBudgets.ts'
import { type Fleet, type FleetOptions, startFleet } from './limitsFleet.ts'
import { checkGuessing } from './limitsGuessing.ts'
import { checkOutage, type Mortal } from './limitsOutage.ts'

/** The least of docs/security.md, since the time of a login is mostly its hash. */
const leastHash = { ARGON2_MEMORY_KIB: '19456', ARGON2_ITERATIONS: '2' }

const withFleet = async (options: FleetOptions, work: (fleet: Fleet) => Promise<void>) => {
  const fleet = await startFleet(options)
  try {
    await work(fleet)
  } finally {
    await fleet.stop()
  }
}

/** Every check on the store, by three processes; the times of logins by one, whose hashes cost what real ones do. */
async function checkStore(proof: Proof, options: FleetOptions, store: Mortal): Promise<void> {
  proof.figure('store', store.name)
  await withFleet(options, async (fleet) => {
    await checkAddress(proof, fleet)
    await checkClasses(proof, fleet)
    await checkGuessing(proof, fleet)
    await checkOutage(proof, fleet, store)
    await checkCredentials(proof, fleet, 'the same after the store was away')
  })
  await withFleet({ ...options, processes: 1, environment: leastHash }, (fleet) =>
    checkAnswers(proof, fleet, proof.isQuick ? 200 : 400),
  )
}

await prove('limits', { limitSeconds: 1_200 }, async (proof) => {
  const bundle = await bundlePrograms({ main: 'server/main.ts' })
  const cluster = await startCluster({ isDurable: true })
  const redis = await startRedis()
  const common = { bundle, cluster, redis, processes: 3, addressBudget: proof.isQuick ? 300 : 900 }
  try {
    const postgres: Mortal = { name: 'postgres', kill: cluster.killPostmaster, startAgain: cluster.accepting }
    await checkStore(proof, { ...common, store: 'postgres' }, postgres)
    await checkStore(proof, { ...common, store: 'redis' }, { name: 'redis', ...redis })
    await proof.control('a store that each process has for itself, by an address,', 'at most the budget', (inner) =>
      withFleet({ ...common, store: 'memory' }, (fleet) => checkAddress(inner, fleet)),
    )
    await proof.control('the same, by guesses at an account,', 'looked at its password', (inner) =>
      withFleet({ ...common, store: 'memory' }, (fleet) => checkGuessing(inner, fleet)),
    )
    const credulous = { ...common, store: 'redis', environment: { TRUSTED_PROXIES: '0.0.0.0/0' } } as const
    await proof.control('a server that believes every X-Forwarded-For', 'at most the budget', (inner) =>
      withFleet(credulous, (fleet) => checkAddress(inner, fleet)),
    )
  } finally {
    await redis.stop()
    await cluster.stop()
    bundle.remove()
  }
})
