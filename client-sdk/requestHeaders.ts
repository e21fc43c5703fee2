import { newIdempotencyKey } from './idempotencyKey.ts'
import type { Kind } from './kind.ts'
import type { CallOptions, ClientOptions } from './options.ts'

/** An entry of the contract, as a client knows it. */
export interface Target {
  /** `auth.me` */
  readonly path: string
  readonly rules: Kind
}

type Wishes = Pick<CallOptions, 'tenantId' | 'idempotencyKey'>

/** The headers of a call but for its token: the same in each attempt. */
export const headersOf = (rules: Kind, options: ClientOptions, wishes: Wishes): Record<string, string> => {
  const headers: Record<string, string> = { ...options.headers }
  if (rules.isKeyed) headers['idempotency-key'] = wishes.idempotencyKey ?? newIdempotencyKey()
  if (rules.isPublic) return headers
  const { tenantId = options.tenantId } = wishes
  const tenant = typeof tenantId === 'function' ? tenantId() : tenantId
  if (tenant !== undefined) headers['x-tenant-id'] = tenant
  if (options.apiKey !== undefined) headers.authorization = `Bearer ${options.apiKey}`
  return headers
}
