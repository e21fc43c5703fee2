import type { z } from 'zod'
import type { Entry, Mutation, Query, Subscription } from '../../contract/define.ts'
import type { Actor, Context } from '../context.ts'
import type { EventStream } from '../platform/events/stream.ts'
import type { Failure } from './failure.ts'

type ActorOf<A> = A extends 'public' ? Actor | null : Actor
type InputOf<I> = I extends z.ZodObject ? z.output<I> : undefined

/** What a handler of an entry is given. `fail` takes the codes that the entry declares, and no other. */
export interface Call<A, I, E> extends Context {
  readonly actor: ActorOf<A>
  readonly input: InputOf<I>
  readonly fail: (code: E, meta?: Readonly<Record<string, unknown>>) => Failure
}

/** Returns what the output schema takes in: a database row will do. A returned failure commits the transaction. */
export type Handler<R> =
  R extends Query<infer A, infer I, infer O, infer E>
    ? (call: Omit<Call<A, I, E>, 'transaction' | 'record'>) => Promise<z.input<O> | Failure>
    : R extends Mutation<infer A, infer I, infer O, infer E>
      ? (call: Call<A, I, E>) => Promise<z.input<O> | Failure>
      : R extends Subscription<infer A, infer I, z.ZodType, infer E>
        ? (call: Omit<Call<A, I, E>, 'transaction' | 'record'>) => Promise<EventStream | Failure>
        : never

/** One handler for each entry, no more and no fewer. */
export type Handlers<C> = { readonly [K in keyof C]: Handler<C[K]> }

/** A handler whose entry is only known at run time. */
export type AnyHandler = (call: Call<string, z.ZodObject, string>) => Promise<unknown>
export type { Entry }
