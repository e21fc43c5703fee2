import cluster from 'node:cluster'
import type { AppOptions } from './app.ts'
import type { Calls } from './calls.ts'
import { addressSet } from './config.ts'
import { chooseAdapter } from './http/adapter.ts'
import { createClientAddress } from './http/clientAddress.ts'
import { createDispatch } from './http/dispatch.ts'
import { createCors } from './http/headers.ts'
import { createSockets, socketPath } from './http/socket.ts'
import type { Metrics } from './platform/metrics/metrics.ts'
import { createRequestCounter } from './platform/metrics/requests.ts'
import type { Tracing } from './platform/tracing/tracing.ts'
import { createRoutes, type RouteParts } from './routes.ts'
import { createTrpcRouter } from './rpc/router.ts'

/** So that the refusal of a body that stopped is out within two seconds. */
const bodyIdleMs = 1_800
/** How long closed sockets may take to say goodbye. */
const goodbyeMs = 500

interface Parts extends Pick<RouteParts, 'modules' | 'system' | 'dev'> {
  readonly options: Pick<AppOptions, 'config' | 'log' | 'version'>
  readonly calls: Calls
  readonly metrics: Metrics
  readonly tracing: Tracing | undefined
}

/** The sockets with what is served on them, and how they begin and end. */
export const createWeb = async ({ options, modules, calls, system, dev, metrics, tracing }: Parts) => {
  const { config, log } = options
  const { procedures, budgets, streams, load } = calls
  const { corsOrigins, trustedProxies, bodyLimitBytes } = config.http
  const router = createTrpcRouter(procedures)
  const sockets = createSockets({ procedures, router, budgets, origins: corsOrigins })
  const handle = createDispatch({
    routes: createRoutes({ options, modules, calls, router, system, dev }),
    socketRoute: sockets.route,
    cors: createCors(corsOrigins),
    budgets,
    load,
    clientAddress: createClientAddress(addressSet(trustedProxies), trustedProxies.length > 0),
    log,
    countRequest: createRequestCounter(metrics),
    tracing,
  })
  const adapter = await chooseAdapter(config.http.adapter)
  if (adapter.notice && cluster.isPrimary) log.warn(adapter.notice)
  const server = adapter.create({ bodyLimitBytes, bodyIdleMs, socketPath, handle })

  return {
    adapter: adapter.name,
    server,
    sockets,
    /** Resolves to the port. Rejects as HttpServer.listen does. */
    listen() {
      const { host, port, workers } = config.http
      return server.listen({ host, port, exclusive: workers === 1 })
    },
    /** Takes nothing new, and has clients go on elsewhere. */
    drain() {
      // Before the streams end, so that those on a socket are known to go on elsewhere.
      sockets.drain()
      streams.close()
      server.drain()
      server.stopListening()
    },
    /** Resolves when every call is answered, or the time is over. */
    untilQuiet: (withinMs: number) => untilNone(() => server.inFlight + sockets.unanswered, withinMs),
    async close(withinMs: number) {
      sockets.close()
      await untilNone(() => sockets.count, Math.min(withinMs, goodbyeMs))
      server.close()
    },
  }
}

const pollMs = 10

/** Waits until nothing is left open, at most so long. */
const untilNone = async (countOpen: () => number, withinMs: number): Promise<void> => {
  const deadline = performance.now() + withinMs
  while (countOpen() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, pollMs))
}
