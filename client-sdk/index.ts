import type { Client } from './api.ts'
import { type Call, createCaller } from './caller.ts'
import type { Kind } from './kind.ts'
import { kinds } from './kinds.ts'
import { openSession } from './openSession.ts'
import type { CallOptions, ClientOptions, StreamOptions } from './options.ts'
import { createStreams, type OpenStream } from './stream.ts'
import { createTransport } from './transport.ts'

export type * from './api.ts'
export type { Clock } from './clock.ts'
export type { ErrorShape } from './errorShape.ts'
export { ClientFailure, type ConnectionCode, type FailureCode, isFailure } from './failure.ts'
export type { CallOptions, ClientOptions, StreamOptions } from './options.ts'
export { type KeptTokens, localStorageStore, memoryStore, type SessionStore, type Tokens } from './stores.ts'

/**
 * Makes a client: `client.auth.login({ email, password })`, then `client.auth.me()`. It keeps the session, renews it,
 * and repeats what failed for a reason that passes. Calls and streams reject with a `ClientFailure`.
 */
export const createClient = (options: ClientOptions): Client => {
  const send = createTransport(options)
  const session = openSession(options, send)
  const ways = { call: createCaller(options, send, session), stream: createStreams(options, session) }
  const features = Object.entries<Readonly<Record<string, Kind>>>(kinds)
  return Object.fromEntries(
    features.map(([name, entries]) => [name, functionsOf(name, entries, ways)]),
  ) as unknown as Client
}

interface Ways {
  readonly call: Call
  readonly stream: OpenStream
}

const functionsOf = (feature: string, entries: Readonly<Record<string, Kind>>, { call, stream }: Ways) =>
  Object.fromEntries(
    Object.entries(entries).map(([name, rules]) => {
      const target = { path: `${feature}.${name}`, rules }
      if (rules.kind === 'subscription') {
        return [name, (input?: unknown, options?: StreamOptions) => stream(target, input, options)]
      }
      return [name, (input?: unknown, options?: CallOptions) => call(target, input, options)]
    }),
  )
