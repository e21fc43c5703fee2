import type {
  TRPC_ERROR_CODE_KEY,
  TRPC_ERROR_CODE_NUMBER,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCRouterDef,
} from '@trpc/server'
import type { z } from 'zod'
import type { Contract, Mutation, Query } from '../contract/define.ts'
import type { ErrorCode } from '../contract/errors.ts'
import type { contract } from '../contract/index.ts'

/** An error as it travels over tRPC. `data.failure.code` is the code to branch on; the tRPC codes say only the status. */
export interface ErrorShape {
  message: string
  code: TRPC_ERROR_CODE_NUMBER
  data: {
    code: TRPC_ERROR_CODE_KEY
    httpStatus: number
    path?: string
    failure: { code: ErrorCode; meta?: Readonly<Record<string, unknown>> }
    /** The X-Request-ID under which the server logged the call. */
    request_id: string
  }
}

interface Root {
  ctx: object
  meta: object
  errorShape: ErrorShape
  transformer: false
}

interface ProcedureDef<I, O> {
  input: I
  output: O
  meta: object
}

/** What a caller passes: fields with a default may be left out. */
export type InputOf<I> = I extends z.ZodType ? z.input<I> : void

/** tRPC takes `void` for a value that JSON cannot carry and would make it `never`. */
type OutputOf<O> = O extends z.ZodVoid ? undefined : O extends z.ZodType ? z.output<O> : never

type ProcedureOf<R> =
  R extends Query<string, infer I, infer O, string>
    ? TRPCQueryProcedure<ProcedureDef<InputOf<I>, OutputOf<O>>>
    : R extends Mutation<string, infer I, infer O, string>
      ? TRPCMutationProcedure<ProcedureDef<InputOf<I>, OutputOf<O>>>
      : never

type Procedures<C> = { readonly [F in keyof C]: { readonly [P in keyof C[F]]: ProcedureOf<C[F][P]> } }

/**
 * The tRPC router of a contract, as a type: for `createTRPCClient<RouterOf<typeof contract>>` and everything else that
 * takes a router's type. It names nothing of the server, so a client compiles without it.
 */
export interface RouterOf<C extends Contract> {
  readonly _def: TRPCRouterDef<Root, Procedures<C>>
  /** Calls without a transport are the server's affair. */
  readonly createCaller: never
}

export type Router = RouterOf<typeof contract>
