import { createApp } from './app.ts'
import { createAdminExample } from './cli/example.ts'
import { loadConfig } from './config.ts'
import { connectDatabase } from './database.ts'
import { createLog } from './log.ts'
import { drainOnSignal } from './platform/drain.ts'
import { explainStartFailure } from './platform/startFailure.ts'
import { version } from './version.ts'

/** Gives back what has been taken when the start fails half-way: an embedded database would outlive this process. */
let giveBack = async () => {}

const noAdministrator = `there is no administrator yet; to make one: ${createAdminExample}`

try {
  const config = loadConfig()
  const log = await createLog(config)
  for (const warning of config.warnings) log.warn(warning)

  const database = await connectDatabase(config, log)
  giveBack = database.release
  const app = await createApp({ config, addresses: database.addresses, log, version })
  const port = await app.listen()
  if (config.environment === 'development' && !(await app.hasAdministrator().catch(() => true)))
    log.warn(noAdministrator)
  drainOnSignal({ app, database, config, log })

  const host = config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host
  log.info({ adapter: app.adapter, port }, `ready on http://${host}:${port} (${app.adapter}), API reference at /docs`)
} catch (error) {
  process.stderr.write(`${explainStartFailure(error)}\n`)
  await giveBack().catch(() => {})
  process.exit(1)
}
