import type { Mutation, Query, Subscription } from '../contract/define.ts'
import type { AnswerOf, InputOf } from './entryTypes.ts'
import type { CallOptions, StreamOptions } from './options.ts'

/** A call: its input, then its options. The input may be left out when every field of it may. */
type Call<I, O> =
  Partial<I> extends I
    ? (input?: I, options?: CallOptions) => Promise<O>
    : (input: I, options?: CallOptions) => Promise<O>

/** A stream: it opens when it is iterated over. */
type Stream<I, O> =
  Partial<I> extends I
    ? (input?: I, options?: StreamOptions) => AsyncIterable<O>
    : (input: I, options?: StreamOptions) => AsyncIterable<O>

type CallOf<R> =
  R extends Query<string, infer I, infer O, string>
    ? Call<InputOf<I>, AnswerOf<O>>
    : R extends Mutation<string, infer I, infer O, string>
      ? Call<InputOf<I>, AnswerOf<O>>
      : R extends Subscription<string, infer I, infer O, string>
        ? Stream<InputOf<I>, AnswerOf<O>>
        : never

/** A contract as functions: `client.auth.me()`. Calls and streams reject with a `ClientFailure` and with nothing else. */
export type ClientOf<C> = { readonly [F in keyof C]: { readonly [P in keyof C[F]]: CallOf<C[F][P]> } }
