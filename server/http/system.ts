import { createHash, timingSafeEqual } from 'node:crypto'
import type { JWK } from 'jose'
import { refuse } from '../rpc/failure.ts'
import { success } from './envelope.ts'
import type { Exchange } from './exchange.ts'
import { isLocal } from './local.ts'
import { answerWith, createResource } from './resource.ts'
import type { Route } from './route.ts'

export interface SystemParts {
  readonly serviceName: string
  readonly version: string
  readonly adminToken: string | undefined
  readonly publicKeys: { readonly keys: readonly JWK[] }
  /** Why the instance should get no new traffic; undefined when it is ready. */
  readonly notReady: () => Promise<string | undefined>
  readonly moduleNames: readonly string[]
  readonly moduleHealth: () => Promise<readonly ModuleHealth[]>
  /** The metrics of all workers. Rejects when they cannot be had in time. */
  readonly scrape: () => Promise<string>
  /** How the read replica does, which decides nothing here; undefined without one. */
  readonly replica?: (() => object) | undefined
  /** The duties with their last runs. */
  readonly duties: () => Promise<readonly object[]>
}

/** How a module is, and why it is not well. */
export interface ModuleHealth {
  readonly name: string
  readonly healthy: boolean
  readonly detail?: string
}

/** Probes, keys and operators' paths: everything outside the contract. */
export const systemRoutes = (parts: SystemParts): Route[] => [
  ...probes(parts),
  jwks(parts.publicKeys),
  ...adminRoutes(parts),
]

const probes = ({ serviceName, version, notReady }: SystemParts): Route[] => [
  system('/healthz', ({ head }) => success(200, { status: 'ok', service: serviceName, version }, head.id)),
  system('/livez', ({ head }) => success(200, { status: 'alive' }, head.id)),
  system('/readyz', async ({ head }) => {
    const reason = await notReady()
    if (reason) throw refuse('unavailable', { meta: { reason }, retryAfterSeconds: 1 })
    return success(200, { status: 'ready' }, head.id)
  }),
]

/** The public keys of access tokens, RFC 7517. Raw, as JWKS clients expect, not in the envelope. */
const jwks = (publicKeys: SystemParts['publicKeys']): Route => {
  const resource = createResource('application/jwk-set+json', JSON.stringify(publicKeys))
  return system('/.well-known/jwks.json', (visit) => answerWith(resource, visit))
}

const adminRoutes = (parts: SystemParts): Route[] => [
  system('/admin/healthz', async ({ exchange, head }) => {
    requireOperator(exchange, parts.adminToken)
    const reason = await parts.notReady()
    if (reason) throw refuse('unavailable', { meta: { reason }, retryAfterSeconds: 1 })
    const modules = await parts.moduleHealth()
    const unwell = modules.filter(({ healthy }) => !healthy).map(({ name }) => name)
    if (unwell.length > 0) throw refuse('unavailable', { meta: { reason: `unhealthy: ${unwell.join(', ')}`, modules } })
    const replica = parts.replica && { replica: parts.replica() }
    return success(200, { healthy: true, modules, duties: await parts.duties(), ...replica }, head.id)
  }),
  system('/admin/modules', ({ exchange, head }) => {
    requireOperator(exchange, parts.adminToken)
    return success(200, parts.moduleNames, head.id)
  }),
  system('/admin/metrics', async ({ exchange }) => {
    requireOperator(exchange, parts.adminToken)
    return { status: 200, headers: metricsType, body: await parts.scrape() }
  }),
]

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const metricsType = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }

const system = (path: string, serve: Route['serve']): Route => ({ method: 'GET', path, serve, isSystem: true })

/** Operators show X-Admin-Token; without a token configured only the local machine is let in. */
const requireOperator = (exchange: Exchange, adminToken: string | undefined): void => {
  if (adminToken === undefined) {
    if (isLocal(exchange)) return
    throw refuse('admin.forbidden')
  }
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const sent = exchange.headers['x-admin-token'] ?? ''
  if (!timingSafeEqual(digest(sent), digest(adminToken))) throw refuse('admin.unauthorized')
}
