/**
 * The words of this server.
 *
 * entry      one operation of the contract: a query or a mutation with its rules
 * exchange   one HTTP request and its one reply, whatever the adapter
 * call       one execution of an entry; a batch has several in one exchange
 * actor      who calls: the person behind the token, null for the anonymous
 * gate       a check before the input is read: authentication, budget, permission
 * failure    a refusal with a code of the contract's table
 * flag       something that is on or off, or one of several variants, without a new release
 * answer     what a handler returns; the output schema decides what of it leaves
 * event      something that happened, told in the transaction that did it
 * stream     a caller's reading of the events, for as long as the connection lasts
 * bucket     the tenant a row belongs to; `global` for rows without one
 */
import type { Logger } from 'pino'
import type { Flags as FlagTable } from '../contract/vocabulary.ts'
import type { Db } from '../db/client.ts'
import type { Database } from '../db/database.ts'
import type { Allowance, Budgets } from './platform/budgets.ts'
import type { Cursors } from './platform/cursors.ts'
import type { Record } from './platform/events/record.ts'
import type { Streams } from './platform/events/streams.ts'
import type { CallFlags } from './platform/flags/callFlags.ts'
import type { Flags } from './platform/flags/flags.ts'
import type { PasswordHasher } from './platform/hashing/index.ts'
import type { MarkedReads } from './platform/replica/reads.ts'
import type { AccessTokens } from './platform/tokens.ts'
import type { Span } from './platform/tracing/span.ts'

/** What arrived with a request and holds for all its calls. */
export interface RequestHead {
  readonly id: string
  /** The 32 hex digits of a valid `traceparent`, or of the trace that began here. */
  readonly traceId: string | undefined
  /** The caller's, when it is valid, or that of our own span; events carry it, so that what they cause is of the same trace. */
  readonly traceparent: string | undefined
  /** Of this request, where requests are traced. */
  span: Span | undefined
  /** Of the handshake, for a call on a socket. */
  readonly handshake: Span | undefined
  /** Of the client, behind the proxies that we trust. */
  readonly address: string
  /** What counts as one anonymous client: the address, or the network of an IPv6 one. */
  readonly clientKey: string
  /** X-Tenant-ID as it was sent. */
  readonly tenantHeader: string | undefined
  readonly userAgent: string
  readonly authorization: string | undefined
  readonly idempotencyKey: string | undefined
  /** What stands for a token where no header can be sent; opens streams alone. */
  readonly ticket: string | undefined
  readonly signal: AbortSignal
  readonly log: Logger
  /** Set by the gate that counts, for the RateLimit headers. */
  budget: Allowance | undefined
  /** Set by the transport: several calls share this request, and so its Idempotency-Key. */
  isBatch: boolean
  /** Set by the gate that knows the caller, for the log. */
  userId: string | undefined
}

/** A person as a User of the contract. */
export interface Person {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly role: 'user' | 'admin'
  readonly created_at: Date
  readonly updated_at: Date
}

/** Who calls. Everything in it was read for this very call, so it is never stale. */
export interface Actor {
  readonly userId: string
  /** The session, or the API key, that the call is made with. */
  readonly credentialId: string
  readonly kind: 'session' | 'key'
  readonly user: Person
  /** Whether a replica may not have the actor's last change yet; unknown where it was not read, as without a replica. */
  readonly wroteLately?: boolean | undefined
  /**
   * The codes that the actor holds in the bucket of the call, global grants included; a key holds those of them that
   * its scopes name.
   */
  readonly permissions: ReadonlySet<string>
}

/** What every call can use, built once in app.ts. */
export interface Services {
  readonly database: Database
  /** Answers queries marked `replica`; undefined without one. */
  readonly replica: MarkedReads | undefined
  readonly passwords: PasswordHasher
  readonly tokens: AccessTokens
  readonly cursors: Cursors
  /** How long a refresh token lives, and the session whatever its use. */
  readonly lifetimes: { readonly refreshSeconds: number; readonly sessionSeconds: number }
  /** Guesses of passwords, counted by account. */
  readonly guesses: Pick<Budgets, 'tryGuess' | 'forgiveGuess'>
  /** Stands in the API keys that are made here. */
  readonly keyEnvironment: 'live' | 'test'
  readonly streams: Streams
  readonly flags: Flags
  /** What the actor holds in a bucket at this moment; undefined when the credential or the membership is gone. */
  readonly permissionsNow: PermissionsNow
  readonly now: () => Date
}

export type PermissionsNow = (actor: Actor, bucket: string) => Promise<ReadonlySet<string> | undefined>

/** What a handler is given, besides its input. */
export interface Context {
  readonly request: RequestHead
  readonly db: Db
  readonly passwords: PasswordHasher
  readonly tokens: AccessTokens
  readonly cursors: Cursors
  readonly lifetimes: Services['lifetimes']
  /** Guesses of passwords, counted by account. */
  readonly guesses: Pick<Budgets, 'tryGuess' | 'forgiveGuess'>
  readonly keyEnvironment: Services['keyEnvironment']
  readonly streams: Streams
  readonly permissionsNow: PermissionsNow
  /** What the flags say to the caller, in the tenant of X-Tenant-ID. */
  readonly flags: CallFlags<FlagTable>
  readonly now: () => Date
  /** Whose rows this call works on: the id of a tenant, or `global` for the rows without one. */
  readonly bucket: string
  /** Runs one query in the bucket of the call, in one round trip; queries of tenant-scoped tables see nothing without. */
  readonly readAs: <T>(query: (db: Db) => Promise<T>) => Promise<T>
  /**
   * Runs the statements of a mutation as one unit in the bucket of the call, at most once a call; its result is the
   * answer. A thrown failure rolls back, a returned one commits. `bucket` names another one: a tenant just being made.
   */
  readonly transaction: <T>(work: (tx: Db) => Promise<T>, bucket?: string) => Promise<T>
  /** Tells of a change, in its transaction: tenant, actor, request and trace are those of the call. */
  readonly record: Record
}
