import type { TRPCMutationProcedure, TRPCQueryProcedure, TRPCRouterDef, TRPCSubscriptionProcedure } from '@trpc/server'
import type { Mutation, Query, Subscription } from '../contract/define.ts'
import type { AnswerOf, InputOf, Nothing } from './entryTypes.ts'
import type { Root } from './errorShape.ts'

interface ProcedureDef<I, O> {
  input: InputOf<I>
  /** `undefined` stands for no answer: of `void`, tRPC's view of JSON would make `never`. */
  output: [AnswerOf<O>] extends [Nothing] ? undefined : AnswerOf<O>
  meta: object
}

/** tRPC hands out what is tracked as `{ id, data }`, and goes on behind the last id by itself. */
interface SubscriptionDef<I, O> {
  input: InputOf<I>
  output: AsyncIterable<{ readonly id: string; readonly data: AnswerOf<O> }>
  meta: object
}

type ProcedureOf<R> =
  R extends Query<string, infer I, infer O, string>
    ? TRPCQueryProcedure<ProcedureDef<I, O>>
    : R extends Mutation<string, infer I, infer O, string>
      ? TRPCMutationProcedure<ProcedureDef<I, O>>
      : R extends Subscription<string, infer I, infer O, string>
        ? TRPCSubscriptionProcedure<SubscriptionDef<I, O>>
        : never

type Procedures<C> = { readonly [F in keyof C]: { readonly [P in keyof C[F]]: ProcedureOf<C[F][P]> } }

/**
 * The tRPC router of a contract, as a type: for `createTRPCClient<RouterOf<typeof contract>>` and whatever else takes a
 * router's type. It names nothing of the server, so a client compiles without it.
 */
export interface RouterOf<C> {
  readonly _def: TRPCRouterDef<Root, Procedures<C>>
  /** Calls without a transport are the server's affair. */
  readonly createCaller: never
}
