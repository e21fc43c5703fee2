import type { Mutation, Query } from '../contract/define.ts'
import type { AnswerOf, InputOf } from './entryTypes.ts'
import type { CallOptions } from './options.ts'

/** A call: its input, then its options. The input may be left out when every field of it may. */
type Call<I, O> =
  Partial<I> extends I
    ? (input?: I, options?: CallOptions) => Promise<O>
    : (input: I, options?: CallOptions) => Promise<O>

type CallOf<R> =
  R extends Query<string, infer I, infer O, string>
    ? Call<InputOf<I>, AnswerOf<O>>
    : R extends Mutation<string, infer I, infer O, string>
      ? Call<InputOf<I>, AnswerOf<O>>
      : never

/** A contract as functions: `client.auth.me()`. Each rejects with a `ClientFailure` and with nothing else. */
export type ClientOf<C> = { readonly [F in keyof C]: { readonly [P in keyof C[F]]: CallOf<C[F][P]> } }
