import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, messageOf } from '../causes.ts'
import { type Account, chooseAccount } from './account.ts'
import { findBinaries } from './binaries.ts'
import { type Cluster, homeOf, newCluster, readCluster, urlOf, writeCluster } from './cluster.ts'
import { checkMajor, furnish, initialise, type Site, syncLater } from './createCluster.ts'
import { cannotStart, DatabaseStartError } from './errors.ts'
import { withFileLock } from './fileLock.ts'
import { freePort } from './freePort.ts'
import { type Holders, holdersIn } from './holders.ts'
import { makeFolder, makeShelter } from './home.ts'
import { awaitReady, findPostmaster, startPostmaster, stopPostmaster } from './postmaster.ts'

const attempts = 5
const retryMs = 100
/** The port was taken since it was chosen; children of a server that was killed are on their way out. */
const passing = /TCP\/IP|still in use/

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
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  try {
    const folder = prepareFolder(options.dataDir)
    return await withFileLock(join(folder, 'lock'), () => hold(folder, options))
  } catch (error) {
    if (error instanceof DatabaseStartError) throw error
    const what =
      codeOf(error) === 'EACCES' ? 'may not be read or written by this user' : `is not usable (${messageOf(error)})`
    throw cannotStart(`The folder ${resolve(options.dataDir, 'postgres')} ${what}`, 'mend it or move it away', error)
  }
}

/** Others may pass through it but not list it; what is secret inside has a mode of its own. */
function prepareFolder(dataDir: string): string {
  mkdirSync(dataDir, { recursive: true })
  const folder = join(realpathSync(dataDir), 'postgres')
  if (!existsSync(folder)) makeFolder(folder, 0o711)
  // Root could use it, and would leave files behind that lock its owner out.
  if (process.getuid && statSync(folder).uid !== process.getuid()) {
    throw cannotStart(`The folder ${folder} belongs to another user`, 'start as that user, move the folder away')
  }
  return folder
}

/** Under the lock: brings the server up and notes that this process holds it. */
async function hold(folder: string, options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { log = () => {}, durable = true } = options
  const holders = holdersIn(join(folder, 'holders'))
  const account = await chooseAccount(join(homeOf(folder, readCluster(folder)), 'data'))
  const { cluster, site } = await bringUp({ folder, holders, account, log, durable })
  const holder = holders.add()
  const stopServer = () => stopPostmaster(join(site.home, 'data'), site.binaries)
  const giveBack = async () => {
    holders.remove(holder)
    if (holders.count() === 0) await stopServer()
  }
  let stopped: Promise<void> | undefined
  return {
    ownerUrl: urlOf(cluster, 'owner'),
    appUrl: urlOf(cluster, 'app'),
    gateUrl: urlOf(cluster, 'gate'),
    port: cluster.port,
    stop() {
      // With the folder gone nobody can join any more, and there is nothing to lock.
      stopped ??= existsSync(folder) ? withFileLock(join(folder, 'lock'), giveBack) : stopServer()
      return stopped
    },
  }
}

async function bringUp(workshop: Workshop): Promise<{ cluster: Cluster; site: Site }> {
  const { folder, account } = workshop
  const known = readCluster(folder)
  const draft = known ?? newCluster(makeShelter(folder, account))
  const home = homeOf(folder, draft)
  const site = { home, account, binaries: await findBinaries({ home, account }) }
  return { site, cluster: draft.ready ? await joinOrStart(workshop, site, draft) : await create(workshop, site, draft) }
}

async function create(workshop: Workshop, site: Site, draft: Cluster): Promise<Cluster> {
  workshop.log('Creating the embedded PostgreSQL database.')
  writeCluster(workshop.folder, draft)
  await stopPostmaster(join(site.home, 'data'), site.binaries)
  await initialise(site, draft.passwords.supervisor)
  const cluster = { ...(await start(workshop, site, draft)), ready: true }
  await furnish(cluster)
  writeCluster(workshop.folder, cluster)
  if (workshop.durable) syncLater(site)
  return cluster
}

async function joinOrStart(workshop: Workshop, site: Site, cluster: Cluster): Promise<Cluster> {
  checkMajor(site)
  const data = join(site.home, 'data')
  if (workshop.holders.count() === 0 && findPostmaster(data)) {
    workshop.log('Reusing the PostgreSQL that a killed process left running.')
  }
  const running = await awaitReady(data)
  return running ? remember(workshop.folder, cluster, running.port) : start(workshop, site, cluster)
}

/** On the port of the last time, else on a free one. */
async function start(
  { folder, durable }: Workshop,
  { home, binaries, account }: Site,
  cluster: Cluster,
): Promise<Cluster> {
  const logFile = join(folder, 'postgres.log')
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(attempt === 1 ? cluster.port : 0)
    const started = await startPostmaster({ binaries, data: join(home, 'data'), logFile, port, account, durable })
    if (typeof started !== 'string') return remember(folder, cluster, port)
    if (attempt < attempts && passing.test(started)) {
      await sleep(retryMs)
      continue
    }
    const next = `read ${logFile}, move ${folder} away to begin with an empty database`
    throw cannotStart(`PostgreSQL does not start (${started})`, next)
  }
}

function remember(folder: string, cluster: Cluster, port: number): Cluster {
  if (port === cluster.port) return cluster
  const remembered = { ...cluster, port }
  writeCluster(folder, remembered)
  return remembered
}
