import type {
  TRPC_ERROR_CODE_KEY,
  TRPC_ERROR_CODE_NUMBER,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCRouterDef,
} from '@trpc/server'
import type { z } from 'zod'
import type { Mutation, Query } from '../contract/define.ts'
import type { ErrorCode } from '../contract/errors.ts'
import type { contract } from '../contract/index.ts'

// Conditions here test type arguments and kinds, never a schema against z.ZodType: TypeScript would compare the whole
// structure of each schema, which doubles the time an editor needs for a contract of 300 procedures.

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

/** What a caller passes, `undefined` when the entry takes nothing. Fields with a default may be left out. */
export type InputOf<I> = [I] extends [undefined] ? undefined : z.input<I>

type Nothing = z.output<z.ZodVoid>

interface ProcedureDef<I, O> {
  input: InputOf<I>
  /** `undefined` stands for no answer: of `void`, tRPC's view of JSON would make `never`. */
  output: [z.output<O>] extends [Nothing] ? undefined : z.output<O>
  meta: object
}

type ProcedureOf<R> =
  R extends Query<string, infer I, infer O, string>
    ? TRPCQueryProcedure<ProcedureDef<I, O>>
    : R extends Mutation<string, infer I, infer O, string>
      ? TRPCMutationProcedure<ProcedureDef<I, O>>
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

/** The router of this API. */
export type Router = RouterOf<typeof contract>
