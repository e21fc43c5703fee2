import { chmodSync } from 'node:fs'
import path from 'node:path'
import { permissions } from '../contract/permissions.ts'
import { startEmbedded } from '../db/embedded/startEmbedded.ts'
import { migrate } from '../db/migrate.ts'
import { withConnection } from '../db/oneConnection.ts'
import { seed } from '../db/seed.ts'
import { parentOf } from './processes.ts'

const migrations = path.join(import.meta.dirname, '../db/migrations')

/** One database of the benchmark's server. */
export interface BenchDatabase {
  readonly ownerUrl: string
  readonly appUrl: string
  readonly gateUrl: string
}

export interface BenchServer {
  readonly postmaster: number
  /** Creates a database with the schema and the permissions of the contract. */
  readonly create: (name: string) => Promise<BenchDatabase>
  readonly stop: () => Promise<void>
}

/** Starts PostgreSQL in a folder; COMMIT waits for the disk, as it does where data counts. */
export const startDatabase = async (folder: string): Promise<BenchServer> => {
  // For the user that PostgreSQL runs under when root runs the benchmark.
  chmodSync(folder, 0o711)
  const server = await startEmbedded({ dataDir: folder, durable: true })
  const postmaster = await withConnection(server.ownerUrl, async (client) => {
    const { rows } = await client.query('select pg_backend_pid() as pid')
    return parentOf(rows[0].pid)
  })
  const create = async (name: string): Promise<BenchDatabase> => {
    await withConnection(server.ownerUrl, (client) => client.query(`create database ${name}`))
    const ownerUrl = withDatabase(server.ownerUrl, name)
    await migrate({ url: ownerUrl, migrations })
    await seed(ownerUrl, permissions)
    return { ownerUrl, appUrl: withDatabase(server.appUrl, name), gateUrl: withDatabase(server.gateUrl, name) }
  }
  return { postmaster, create, stop: server.stop }
}

const withDatabase = (url: string, name: string): string => {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
