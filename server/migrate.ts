import { loadConfig } from './config.ts'
import { connectDatabase } from './database.ts'
import { createLog } from './log.ts'
import { explainStartFailure } from './platform/startFailure.ts'

// Brings the database up to date and ends: the step of a deployment before the new version starts. It looks at the
// role of DATABASE_URL too, so that what would keep the server from starting is found here.
try {
  const config = loadConfig()
  const log = await createLog(config)
  for (const warning of config.warnings) log.warn(warning)
  const { release } = await connectDatabase({ ...config, database: { ...config.database, migrateOnStart: true } }, log)
  await release()
  log.info('the database is up to date')
} catch (error) {
  process.stderr.write(`${explainStartFailure(error, 'the database was not migrated')}\n`)
  process.exitCode = 1
}
