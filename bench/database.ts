import { chmodSync } from 'node:fs'
import path from 'node:path'
import { permissions } from '../contract/vocabulary.ts'
import { startEmbedded } from '../db/embedded/startEmbedded.ts'
import { migrate } from '../db/migrate.ts'
import { withConnection } from '../db/oneConnection.ts'
import { seed } from '../db/seed.ts'
import { parentOf } from '../server/cli/bench/processes.ts'

export interface BenchDatabase {
  readonly ownerUrl: string
  readonly appUrl: string
  readonly gateUrl: string
  readonly postmaster: number
  readonly stop: () => Promise<void>
}

/** PostgreSQL in a folder, with the schema and permissions; COMMIT waits for the disk, as it does where data counts. */
export const startDatabase = async (folder: string): Promise<BenchDatabase> => {
  // For the user that PostgreSQL runs under when root runs the benchmark.
  chmodSync(folder, 0o711)
  const database = await startEmbedded({ dataDir: folder, durable: true })
  await migrate({ url: database.ownerUrl, migrations: path.join(import.meta.dirname, '../db/migrations') })
  await seed(database.ownerUrl, { permissions })
  const postmaster = await withConnection(database.ownerUrl, async (client) => {
    const { rows } = await client.query('select pg_backend_pid() as pid')
    return parentOf(rows[0].pid)
  })
  return { ...database, postmaster }
}
