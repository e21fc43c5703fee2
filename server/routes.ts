import path from 'node:path'
import document from '../contract/openapi.json' with { type: 'json' }
import type { AppOptions } from './app.ts'
import type { Calls } from './calls.ts'
import { type DevParts, devRoutes } from './http/dev.ts'
import { docsRoutes } from './http/docs.ts'
import { restRoutes } from './http/rest.ts'
import type { Route } from './http/route.ts'
import { createServeStream } from './http/stream.ts'
import { type SystemParts, systemRoutes } from './http/system.ts'
import { trpcRoutes } from './http/trpc.ts'
import { projectFolder } from './projectFolder.ts'
import type { AnyModule } from './rpc/module.ts'
import type { createTrpcRouter } from './rpc/router.ts'

export interface RouteParts {
  readonly options: Pick<AppOptions, 'config' | 'version'>
  readonly modules: readonly AnyModule[]
  readonly calls: Pick<Calls, 'procedures' | 'budgets' | 'publicKeys'>
  readonly router: ReturnType<typeof createTrpcRouter>
  readonly system: Pick<SystemParts, 'scrape' | 'notReady' | 'moduleHealth' | 'duties' | 'replica'>
  /** What the page at /dev shows; undefined where there is none. */
  readonly dev: Pick<DevParts, 'recorder' | 'state'> | undefined
}

/** Everything that a path leads to. */
export const createRoutes = ({
  options: { config, version },
  modules,
  calls,
  router,
  system,
  dev,
}: RouteParts): Route[] => {
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
    ...(dev ? devRoutes({ ...dev, folder: path.join(projectFolder, 'server/http/dev') }) : []),
  ]
}
