import { mkdirSync, realpathSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { codeOf, messageOf } from '../causes.ts'
import { type Account, chooseAccount } from './account.ts'
import { type Binaries, findBinaries } from './binaries.ts'
import { type Cluster, newCluster, readCluster, urlOf, writeCluster } from './cluster.ts'
import { furnish, initialise } from './createCluster.ts'
import { cannotStart, DatabaseStartError } from './errors.ts'
import { withFileLock } from './fileLock.ts'
import { type Holders, holdersIn } from './holders.ts'
import { chooseHome } from './home.ts'
import { awaitReady, findPostmaster, startPostmaster, stopPostmaster } from './postmaster.ts'

const portAttempts = 5

export interface EmbeddedOptions {
  /** Everything lies in its subfolder `postgres`. */
  readonly dataDir: string
  /** Told in one sentence what takes time or is out of the ordinary. */
  readonly log?: (sentence: string) => void
  /** False trades safety against power failure for speed; for tests. Heeded by whoever starts the server. Default true. */
  readonly durable?: boolean
}

export interface EmbeddedDatabase {
  /** Owns the database; may create databases; is not superuser. For migrations. */
  readonly ownerUrl: string
  readonly appUrl: string
  readonly gateUrl: string
  readonly port: number
  /** Gives the database back; the last process to do so stops it. More calls do nothing. */
  readonly stop: () => Promise<void>
}

interface Workshop {
  readonly folder: string
  readonly holders: Holders
  readonly account: Account | undefined
  readonly log: (sentence: string) => void
  readonly durable: boolean
}

/**
 * A running PostgreSQL for `dataDir`: joined when one runs already, else started, else created. It outlives this
 * process when that is killed; the next call finds it. Throws DatabaseStartError.
 */
export async function startEmbedded({
  dataDir,
  log = () => {},
  durable = true,
}: EmbeddedOptions): Promise<EmbeddedDatabase> {
  try {
    const folder = prepareFolder(dataDir)
    const lock = join(folder, 'lock')
    return await withFileLock(lock, async () => {
      const holders = holdersIn(join(folder, 'holders'))
      const account = await chooseAccount(join(readCluster(folder)?.home ?? folder, 'data'))
      const { cluster, binaries } = await bringUp({ folder, holders, account, log, durable })
      const holder = holders.add()
      let stopped: Promise<void> | undefined
      const stop = () =>
        withFileLock(lock, () => giveBack(holders, holder, () => stopPostmaster(join(cluster.home, 'data'), binaries)))
      return {
        ownerUrl: urlOf(cluster, 'owner'),
        appUrl: urlOf(cluster, 'app'),
        gateUrl: urlOf(cluster, 'gate'),
        port: cluster.port,
        stop: () => (stopped ??= stop()),
      }
    })
  } catch (error) {
    if (error instanceof DatabaseStartError) throw error
    const what =
      codeOf(error) === 'EACCES' ? 'may not be read or written by this user' : `is not usable (${messageOf(error)})`
    throw cannotStart(`The data folder ${resolve(dataDir, 'postgres')} ${what}`, 'fix it or move it away', error)
  }
}

/** Others may pass through it but not list it; what is secret inside has a mode of its own. */
function prepareFolder(dataDir: string): string {
  mkdirSync(dataDir, { recursive: true })
  const folder = join(realpathSync(dataDir), 'postgres')
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  return folder
}

async function giveBack(holders: Holders, holder: string, stopServer: () => Promise<void>): Promise<void> {
  holders.remove(holder)
  if (holders.count() === 0) await stopServer()
}

async function bringUp(workshop: Workshop): Promise<{ cluster: Cluster; binaries: Binaries }> {
  const { folder, account, log } = workshop
  const known = readCluster(folder)
  if (known?.ready) {
    const binaries = await findBinaries({ home: known.home, account })
    return { cluster: await joinOrStart(workshop, known, binaries), binaries }
  }
  log('Creating the embedded PostgreSQL database.')
  const fresh = known ?? newCluster(chooseHome(folder, account))
  writeCluster(folder, fresh)
  const binaries = await findBinaries({ home: fresh.home, account })
  await stopPostmaster(join(fresh.home, 'data'), binaries)
  await initialise(fresh, binaries, account)
  const cluster = { ...(await start(workshop, fresh, binaries)), ready: true }
  await furnish(cluster)
  writeCluster(folder, cluster)
  return { cluster, binaries }
}

async function joinOrStart(workshop: Workshop, cluster: Cluster, binaries: Binaries): Promise<Cluster> {
  const data = join(cluster.home, 'data')
  if (findPostmaster(data) && workshop.holders.count() === 0)
    workshop.log('Reusing the PostgreSQL that a killed process left running.')
  const running = await awaitReady(data)
  if (!running) return start(workshop, cluster, binaries)
  const joined = { ...cluster, port: running.port }
  if (joined.port !== cluster.port) writeCluster(workshop.folder, joined)
  return joined
}

/** On the port of the last time, else on a free one; a port can be taken between the choice and the start. */
async function start(workshop: Workshop, cluster: Cluster, binaries: Binaries): Promise<Cluster> {
  const { folder, account, durable } = workshop
  const logFile = join(folder, 'postgres.log')
  for (let attempt = 0; attempt < portAttempts; attempt++) {
    const port = await freePort(attempt === 0 ? cluster.port : 0)
    const data = join(cluster.home, 'data')
    const started = await startPostmaster({ binaries, data, logFile, port, account, durable })
    if (!started) continue
    const remembered = { ...cluster, port }
    if (port !== cluster.port) writeCluster(folder, remembered)
    return remembered
  }
  throw cannotStart(
    `PostgreSQL does not start; ${logFile} says why`,
    `move ${folder} away to begin with an empty database`,
  )
}

/** `preferred` when nobody listens there, else one the system chooses. */
function freePort(preferred: number): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const probe = createServer()
    probe.once('error', (error) => (preferred === 0 ? reject(error) : resolvePort(freePort(0))))
    probe.listen({ port: preferred, host: '127.0.0.1', exclusive: true }, () => {
      const address = probe.address()
      probe.close(() => resolvePort(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
