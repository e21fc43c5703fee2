import { connectDatabase } from './database.ts'
import { createApp } from './app.ts'
import { loadConfig } from './config.ts'
import { createLog } from './log.ts'
import { explainStartFailure } from './platform/startFailure.ts'
import { drainOnSignal } from './platform/drain.ts'
import { version } from './version.ts'

try {
  const config = loadConfig()
  const log = await createLog(config)
  for (const warning of config.warnings) log.warn(warning)

  const database = await connectDatabase(config, log)
  const app = await createApp({ config, addresses: database.addresses, log, version })
  const port = await app.listen()
  drainOnSignal({ app, database, config, log })

  const host = config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host
  log.info({ adapter: app.adapter, port }, `ready on http://${host}:${port} (${app.adapter}), API reference at /docs`)
} catch (error) {
  process.stderr.write(`${explainStartFailure(error)}\n`)
  process.exit(1)
}
