import { createApp } from '../../server/app.ts'
import { loadConfig } from '../../server/config.ts'
import { createLog } from '../../server/log.ts'
import { drainOnSignal } from '../../server/platform/drain.ts'
import { moduleOf } from './consumerScene.ts'

/** A server with a module that never comes to its end, as a process of its own. */
const config = loadConfig()
const log = await createLog(config)
const { url = '', gateUrl = '' } = config.database
const stuck = { ...moduleOf({}), stop: () => new Promise<void>(() => {}) }

const app = await createApp({
  config,
  addresses: { app: { url }, gate: { url: gateUrl } },
  log,
  version: '0.0.0',
  modules: [stuck],
})
const port = await app.listen()
drainOnSignal({ app, database: { release: async () => {} }, config, log })
log.info(`ready on http://127.0.0.1:${port}`)
