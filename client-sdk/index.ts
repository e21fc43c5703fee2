import type { Client } from './api.ts'
import { type Call, createCaller } from './caller.ts'
import type { Kind } from './kind.ts'
import { kinds } from './kinds.ts'
import type { ClientOptions } from './options.ts'

export type * from './api.ts'
export type { Clock } from './clock.ts'
export type { ErrorShape } from './errorShape.ts'
export { ClientFailure, type ConnectionCode, type FailureCode, isFailure } from './failure.ts'
export type { CallOptions, ClientOptions } from './options.ts'
export { type KeptTokens, localStorageStore, memoryStore, type SessionStore, type Tokens } from './stores.ts'

/**
 * Makes a client: `client.auth.login({ email, password })`, then `client.auth.me()`. It keeps the session, renews it,
 * and repeats what failed for a reason that passes. Every call rejects with a `ClientFailure`.
 */
export const createClient = (options: ClientOptions): Client => {
  const call = createCaller(options)
  const features = Object.entries<Readonly<Record<string, Kind>>>(kinds)
  return Object.fromEntries(
    features.map(([name, entries]) => [name, functionsOf(name, entries, call)]),
  ) as unknown as Client
}

const functionsOf = (feature: string, entries: Readonly<Record<string, Kind>>, call: Call) =>
  Object.fromEntries(
    Object.entries(entries).map(([name, rules]) => {
      const target = { path: `${feature}.${name}`, rules }
      return [name, (...args: [input?: unknown, options?: Parameters<Call>[2]]) => call(target, args[0], args[1])]
    }),
  )
