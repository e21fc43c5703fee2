import { type AnyTRPCRouter, initTRPC, TRPCError } from '@trpc/server'
import type { RequestHead } from '../context.ts'
import { Failure, refuse } from './failure.ts'
import type { Procedure } from './procedure.ts'
import { toFailure } from './toFailure.ts'
import { codeOfTrpc, errorShape, trpcCode } from './trpcError.ts'

export interface TrpcContext {
  readonly head: RequestHead
  /** Set by a procedure whose answer is an earlier one. */
  readonly replay: { isReplay: boolean }
}

/** The failure inside an error that went through tRPC, or the one that stands for tRPC's own complaint. */
export const failureOf = (error: TRPCError): Failure =>
  error.cause instanceof Failure ? error.cause : refuse(codeOfTrpc[error.code])

const t = initTRPC.context<TrpcContext>().create({
  isDev: false,
  errorFormatter: ({ error, path, ctx }) => errorShape(failureOf(error), path, ctx?.head.id ?? ''),
})

/**
 * The procedures as a tRPC router, for what tRPC's own resolver answers: streamed batches, form data, octet streams.
 * The procedure reads its input itself, after the gates, so tRPC only hands over the reader.
 */
export const createTrpcRouter = (procedures: readonly Procedure[]): AnyTRPCRouter => {
  const tree: Record<string, Record<string, unknown>> = {}
  for (const procedure of procedures) {
    const [feature = '', name = ''] = procedure.path.split('.')
    tree[feature] ??= {}
    tree[feature][name] = trpcProcedure(procedure)
  }
  return t.router(tree as Parameters<typeof t.router>[0])
}

const trpcProcedure = (procedure: Procedure) => {
  const base = t.procedure.use(({ ctx, getRawInput, next }) => next({ ctx: { ...ctx, getRawInput } }))
  const answer = async ({ ctx }: { ctx: TrpcContext & { getRawInput: () => Promise<unknown> } }) => {
    try {
      const result = await procedure.call(ctx.head, ctx.getRawInput)
      if (result.isReplay) ctx.replay.isReplay = true
      return result.data
    } catch (error) {
      const failure = error instanceof TRPCError ? failureOf(error) : toFailure(error, ctx.head.log)
      throw new TRPCError({ code: trpcCode(failure.status), message: failure.sentence, cause: failure })
    }
  }
  return procedure.rules.kind === 'query' ? base.query(answer) : base.mutation(answer)
}
