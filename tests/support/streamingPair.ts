import { execFile } from 'node:child_process'
import { appendFileSync, chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Client } from 'pg'
import { chooseAccount } from '../../db/embedded/account.ts'
import { findBinaries } from '../../db/embedded/binaries.ts'
import { homeOf, readCluster, urlOf } from '../../db/embedded/cluster.ts'
import { freePort } from '../../db/embedded/freePort.ts'
import { environment, findPostmaster } from '../../db/embedded/postmaster.ts'
import { startEmbedded } from '../../db/embedded/startEmbedded.ts'
import type { TestDatabase } from './database.ts'
import { programAt } from './programs.ts'
import { withClient } from './testServer.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

/** The step of a deployment, as a program of its own. */
const migrate = (urls: Readonly<Record<string, string>>) =>
  run(process.execPath, [programAt('migrate')], {
    cwd: root,
    env: { PATH: process.env.PATH, NODE_ENV: 'test', JWT_SECRET: 'a secret for tests, of 32 bytes or more', ...urls },
  })

/** A primary and a standby that follows it by streaming replication, both on loopback. */
export interface StreamingPair {
  /** Of the primary, migrated. `drop` does nothing: it goes with the pair. */
  readonly database: TestDatabase
  /** The role app on the standby. */
  readonly replicaUrl: string
  /** The role owner on the standby. */
  readonly replicaOwnerUrl: string
  /** Runs as superuser on the standby. */
  readonly onStandby: <T>(work: (client: Client) => Promise<T>) => Promise<T>
  /** Runs as superuser on the primary. */
  readonly onPrimary: <T>(work: (client: Client) => Promise<T>) => Promise<T>
  /** Resolves when the standby has replayed everything that the primary has now. */
  readonly inStep: () => Promise<void>
  readonly stopStandby: () => Promise<void>
  readonly startStandby: () => Promise<void>
  /** Makes the standby a server of its own, for good. */
  readonly promote: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** The standby begins as a copy of the primary's files at rest, which takes no program but the server itself. */
export async function startStreamingPair(): Promise<StreamingPair> {
  const folder = mkdtempSync(join(tmpdir(), 'tsforge-pair-'))
  // For the user that PostgreSQL runs under when root runs the tests.
  chmodSync(folder, 0o711)
  const first = await startEmbedded({ dataDir: folder })
  await first.stop()
  const inner = join(folder, 'postgres')
  const cluster = readCluster(inner)
  if (!cluster) throw new Error('there is no cluster to copy')
  const home = homeOf(inner, cluster)
  const data = join(home, 'data')
  const copy = join(home, 'standby')
  const account = await chooseAccount(data)
  const { pgCtl } = await findBinaries({ home, account })
  await run('cp', ['-a', data, copy])
  const signal = join(copy, 'standby.signal')
  writeFileSync(signal, '')
  if (account) chownSync(signal, account.uid, account.gid)

  const { ownerUrl, appUrl, gateUrl, stop } = await startEmbedded({ dataDir: folder })
  const running = readCluster(inner) ?? cluster
  const port = await freePort()
  appendFileSync(
    join(copy, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=127.0.0.1 port=${running.port} user=supervisor password=${running.passwords.supervisor}'\n` +
      `port = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\n`,
  )
  const control = (...given: string[]) =>
    run(pgCtl, [...given, '-D', copy, '-w'], { ...account, cwd: copy, env: environment })
  const startStandby = async () => void (await control('start', '-l', join(copy, 'standby.log')))
  const stopStandby = async () => void (await control('stop', '-m', 'immediate'))
  // A run that is given up must not leave a server behind.
  const kill = () => {
    for (const pid of [findPostmaster(copy)?.pid, findPostmaster(data)?.pid]) if (pid) process.kill(pid, 'SIGQUIT')
  }
  process.once('exit', kill)
  try {
    await startStandby()
    await migrate({ DATABASE_URL: appUrl, DATABASE_MIGRATE_URL: ownerUrl })
  } catch (error) {
    kill()
    throw error
  }

  const there = (url: string) => {
    const moved = new URL(url)
    moved.port = String(port)
    return moved.href
  }
  const supervisorUrl = urlOf(running, 'supervisor')
  const onStandby: StreamingPair['onStandby'] = (work) => withClient(there(supervisorUrl), work)
  const onPrimary: StreamingPair['onPrimary'] = (work) => withClient(supervisorUrl, work)
  return {
    database: { ownerUrl, appUrl, gateUrl, drop: async () => {} },
    replicaUrl: there(appUrl),
    replicaOwnerUrl: there(ownerUrl),
    onStandby,
    onPrimary,
    async inStep() {
      const { rows } = await onPrimary((client) => client.query('select pg_current_wal_flush_lsn()::text as lsn'))
      const reached = 'select pg_last_wal_replay_lsn() >= $1::pg_lsn as reached'
      await onStandby(async (client) => {
        while (!(await client.query(reached, [rows[0].lsn])).rows[0].reached);
      })
    },
    startStandby,
    stopStandby,
    promote: async () => void (await control('promote')),
    async stop() {
      await stopStandby().catch(() => {})
      await stop()
      process.off('exit', kill)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
