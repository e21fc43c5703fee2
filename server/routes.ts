import document from '../contract/openapi.json' with { type: 'json' }
import type { AppOptions } from './app.ts'
import { docsRoutes } from './http/docs.ts'
import { restRoutes } from './http/rest.ts'
import type { Route } from './http/route.ts'
import { createServeStream } from './http/stream.ts'
import { systemRoutes } from './http/system.ts'
import { trpcRoutes } from './http/trpc.ts'
import type { Budgets } from './platform/budgets.ts'
import type { AnyModule } from './rpc/module.ts'
import type { Procedure } from './rpc/procedure.ts'
import type { createTrpcRouter } from './rpc/router.ts'

interface Parts {
  readonly options: Pick<AppOptions, 'config' | 'version'>
  readonly modules: readonly AnyModule[]
  readonly calls: {
    readonly procedures: readonly Procedure[]
    readonly budgets: Budgets
    readonly publicKeys: Parameters<typeof systemRoutes>[0]['publicKeys']
  }
  readonly router: ReturnType<typeof createTrpcRouter>
  readonly system: Pick<
    Parameters<typeof systemRoutes>[0],
    'scrape' | 'notReady' | 'moduleHealth' | 'duties' | 'replica'
  >
}

/** Everything that a path leads to. */
export const createRoutes = ({ options: { config, version }, modules, calls, router, system }: Parts): Route[] => {
  const { procedures, budgets, publicKeys } = calls
  const serveStream = createServeStream(config.streams.lifetimeSeconds * 1000)
  return [
    ...systemRoutes({
      ...system,
      serviceName: config.serviceName,
      version,
      adminToken: config.adminToken,
      publicKeys,
      moduleNames: modules.map(({ name }) => name),
    }),
    ...docsRoutes({ document }),
    ...restRoutes(procedures, serveStream),
    ...trpcRoutes({ procedures, router, budgets, serveStream }),
  ]
}
