import { pino } from 'pino'
import { loadConfig } from './config.ts'
import { chooseAdapter } from './http/adapter.ts'
import { createDispatch } from './http/dispatch.ts'
import { createCors } from './http/headers.ts'
import { systemRoutes } from './http/system.ts'
import { createAddressBudget } from './platform/addressBudget.ts'

const config = loadConfig()
const log = pino({ level: config.logLevel })
const adapter = await chooseAdapter(config.http.adapter)
const routes = systemRoutes({
  serviceName: config.serviceName,
  version: '0.1.0',
  adminToken: config.adminToken,
  publicKeys: { keys: [] },
  notReady: async () => undefined,
  moduleNames: [],
})
const handle = createDispatch({
  routes,
  cors: createCors(config.http.corsOrigins),
  budget: createAddressBudget(config.limits.ratePerMinute),
  log,
})
const server = adapter.create({ bodyLimitBytes: config.http.bodyLimitBytes, bodyIdleMs: 10_000, handle })
const { host, port } = config.http
const bound = await server.listen({ host, port, exclusive: config.http.workers === 1 })
log.info(`ready on http://${host}:${bound} (${adapter.name})`)
