import cluster from 'node:cluster'
import type { Logger } from 'pino'
import { addressOf } from './address.ts'
import { createApp } from './app.ts'
import { createAdminExample } from './cli/example.ts'
import type { Config } from './config.ts'
import { connectDatabase } from './database.ts'
import { drainOnSignal } from './platform/drain.ts'
import { version } from './version.ts'

const noAdministrator = `there is no administrator yet; to make one: ${createAdminExample}`

/**
 * Serves from this process until a signal ends it. Rejects when it cannot, having let go of the database; what else it
 * began ends with the process.
 */
export const serve = async (config: Config, log: Logger): Promise<void> => {
  const database = await connectDatabase(config, log)
  try {
    const app = await createApp({ config, addresses: database.addresses, log, version })
    const port = await app.listen()
    drainOnSignal({ app, database, config, log })
    // Of several workers the supervisor speaks for all.
    if (cluster.isWorker) return void process.send?.('ready')
    const lacksAdministrator = config.environment === 'development' && !(await app.hasAdministrator().catch(() => true))
    if (lacksAdministrator) log.warn(noAdministrator)
    log.info(
      { adapter: app.adapter, port },
      `ready on ${addressOf(config.http.host, port)} (${app.adapter}), API reference at /docs`,
    )
  } catch (error) {
    // An embedded database would outlive this process.
    await database.release().catch(() => {})
    throw error
  }
}
