import type { z } from 'zod'
import type { FlagTable } from './flagTable.ts'
import type { EndingAccess } from './topics.ts'

export type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Path = `/${string}`

/**
 * Which budget a call spends: reads, writes, or the small one for calls that test or hand out credentials.
 */
export type RateClass = 'read' | 'write' | 'credential'

/**
 * Who may call. `public`: anyone. `user`: a session or a valid API key. `session`: a signed-in person, never a key.
 * Anything else is the code of a permission the caller must hold.
 */
export type Access<Permission extends string = string> = 'public' | 'user' | 'session' | Permission

/**
 * What an entry touches. `none`: the caller's own things, or nothing that belongs to a tenant. `bucket`: rows of the
 * tenant that X-Tenant-ID names, the global ones without it. `global`: rows that all tenants share; the permission
 * counts only when it is held globally. `path`: the tenant whose id stands in the path.
 */
export type Tenancy = 'none' | 'bucket' | 'global' | 'path'

/** The status and the public sentence of an error code. The sentence is all a client sees besides `meta`. */
export type ErrorRule = readonly [status: number, sentence: string]

/** The type parameters are access, input, output and error codes, named apart: one `R extends Rules` costs twice the type instantiations. */
interface Rules<A extends string, I extends z.ZodObject | undefined, O extends z.ZodType, E extends string> {
  /** One sentence for people, shown in the API reference. */
  readonly summary: string
  /** Verb, path with `{name}` for the input fields it carries, and the status of success: 201 for creates. */
  readonly http: readonly [verb: Verb, path: Path, status?: 200 | 201]
  readonly access: A
  /** While this flag is off for the caller, there is nothing at this path: 404 `route.not_found`. */
  readonly flag?: string
  readonly rate: RateClass
  readonly tenancy: Tenancy
  /** Absent when the entry takes nothing. Unknown keys are dropped. */
  readonly input?: I
  /** The only serializer of the answer: what it does not name never leaves. `z.void()` is a 204. */
  readonly output: O
  /** How long a call may take, in place of REQUEST_TIMEOUT_SECONDS. The time that the body takes to arrive does not count. */
  readonly deadlineSeconds?: number
  /** Codes beyond those that the other rules imply. */
  readonly errors?: readonly E[]
}

export interface Query<A extends string, I extends z.ZodObject | undefined, O extends z.ZodType, E extends string>
  extends Rules<A, I, O, E> {
  readonly kind: 'query'
  /** Lets a client reuse the answer for this long after asking again with its ETag. Absent: not cached. */
  readonly cache?: { readonly maxAgeSeconds: number }
  /** Its answer may be a little late, so `readAs` may ask the read replica: for lists, not for what decides who may do what. */
  readonly replica?: true
}

export interface Mutation<A extends string, I extends z.ZodObject | undefined, O extends z.ZodType, E extends string>
  extends Rules<A, I, O, E> {
  readonly kind: 'mutation'
  /** `key`: a retry with the same Idempotency-Key has one effect and the same answer. */
  readonly idempotency: 'key' | 'none'
  /** The answer holds secrets: a copy kept for replay is encrypted. */
  readonly secret?: true
}

/** A stream of events, each of the form of `output`. The connection ends when the server or the caller wants it to. */
export interface Subscription<
  A extends string,
  I extends z.ZodObject | undefined,
  O extends z.ZodType,
  E extends string,
> extends Rules<A, I, O, E> {
  readonly kind: 'subscription'
}

export type AnyQuery = Query<string, z.ZodObject | undefined, z.ZodType, string>
export type AnyMutation = Mutation<string, z.ZodObject | undefined, z.ZodType, string>
export type AnySubscription = Subscription<string, z.ZodObject | undefined, z.ZodType, string>
export type Entry = AnyQuery | AnyMutation | AnySubscription

/** The entries of one feature; the keys are the words that callers say. */
export type Entries = Readonly<Record<string, Entry>>
export type Contract = Readonly<Record<string, Entries>>

/** What a module adds to the contract: its entries, and the words that they and its events use. */
export interface ContractModule {
  readonly entries: Entries
  /** Code -> meaning. The migration step inserts new ones. */
  readonly permissions?: Readonly<Record<string, string>>
  readonly errors?: Readonly<Record<string, ErrorRule>>
  readonly flags?: FlagTable
  /** Topic -> what its events tell. */
  readonly topics?: Readonly<Record<string, z.ZodObject>>
  /** Topics after which somebody may see less than before. */
  readonly endingAccess?: Readonly<Record<string, EndingAccess>>
}

/** What is written of an entry: its flag is one of those that there are. */
type Written<R extends { readonly kind: string }, F extends string> = Omit<R, 'kind' | 'flag'> & { readonly flag?: F }

/**
 * Makes the words of the contract language for a vocabulary, so that a module can only name its own permissions and
 * errors besides the ones it is given. `F` are the flags that an entry may name, those that are on or off.
 */
export const define = <P extends string, C extends string, F extends string = never>(_vocabulary: {
  readonly permissions: Readonly<Record<P, string>>
  readonly errors: Readonly<Record<C, ErrorRule>>
}) => ({
  /** An entry that changes nothing. */
  query: <
    const A extends Access<P>,
    O extends z.ZodType,
    I extends z.ZodObject | undefined = undefined,
    const E extends C = never,
  >(
    rules: Written<Query<A, I, O, E>, F>,
  ): Query<A, I, O, E> => ({ ...rules, kind: 'query' }),
  /** An entry that changes something. */
  mutation: <
    const A extends Access<P>,
    O extends z.ZodType,
    I extends z.ZodObject | undefined = undefined,
    const E extends C = never,
  >(
    rules: Written<Mutation<A, I, O, E>, F>,
  ): Mutation<A, I, O, E> => ({ ...rules, kind: 'mutation' }),
  /** An entry that tells of changes for as long as somebody listens. */
  subscription: <
    const A extends Access<P>,
    O extends z.ZodType,
    I extends z.ZodObject | undefined = undefined,
    const E extends C = never,
  >(
    rules: Written<Subscription<A, I, O, E>, F>,
  ): Subscription<A, I, O, E> => ({ ...rules, kind: 'subscription' }),
})
