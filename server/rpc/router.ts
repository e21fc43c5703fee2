import { type AnyTRPCRouter, initTRPC, TRPCError, tracked } from '@trpc/server'
import type { RequestHead } from '../context.ts'
import type { EventStream, StreamItem } from '../platform/events/stream.ts'
import { Failure, refuse } from './failure.ts'
import type { Procedure } from './procedure.ts'
import { toFailure } from './toFailure.ts'
import { codeOfTrpc, errorShape, trpcCode } from './trpcError.ts'

export interface TrpcContext {
  readonly head: RequestHead
  /** Set by a procedure whose answer is an earlier one. */
  readonly replay: { isReplay: boolean }
  /** Over a socket, whose context lives as long as it does, each call gets a head of its own; a stream ends by `signal`. */
  readonly openCall?: ((signal: AbortSignal | undefined) => RequestHead) | undefined
  /** Over a socket: resolves when its client has taken most of what was sent. */
  readonly whenTaken?: (() => Promise<void>) | undefined
}

/** The requests that errors belong to, where the context does not tell. */
const requestIds = new WeakMap<TRPCError, string>()

/** The failure inside an error that went through tRPC, or the one that stands for tRPC's own complaint. */
export const failureOf = (error: TRPCError): Failure =>
  error.cause instanceof Failure ? error.cause : refuse(codeOfTrpc[error.code])

const t = initTRPC.context<TrpcContext>().create({
  isDev: false,
  errorFormatter: ({ error, path, ctx }) =>
    errorShape(failureOf(error), path, requestIds.get(error) ?? ctx?.head.id ?? ''),
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
  const isStream = procedure.rules.kind === 'subscription'
  const base = t.procedure.use(({ ctx, getRawInput, signal, next }) =>
    next({ ctx: { ...ctx, head: ctx.openCall?.(isStream ? signal : undefined) ?? ctx.head, getRawInput } }),
  )
  const answer = async ({ ctx }: { ctx: TrpcContext & { getRawInput: () => Promise<unknown> } }) => {
    try {
      const result = await procedure.call(ctx.head, ctx.getRawInput)
      if (result.isReplay) ctx.replay.isReplay = true
      return result.data
    } catch (error) {
      throw asTrpc(error, ctx)
    }
  }
  if (procedure.rules.kind === 'subscription') return base.subscription(followed(procedure))
  return procedure.rules.kind === 'query' ? base.query(answer) : base.mutation(answer)
}

/** An item on its way to a socket: whoever encodes it takes the text, which all readers share. */
export class SharedItem {
  readonly json: string

  constructor({ json }: StreamItem) {
    this.json = json
  }

  toJSON(): unknown {
    return JSON.parse(this.json)
  }
}

type FollowOptions = { ctx: TrpcContext & { getRawInput: () => Promise<unknown> }; signal: AbortSignal | undefined }

/**
 * The stream is opened before the subscription is said to have started, so that a refusal is no end, and a client that
 * moves to another socket leaves the old one no sooner than the new one listens. The signal closes what is never read.
 */
const followed =
  (procedure: Procedure) =>
  async ({ ctx, signal }: FollowOptions) => {
    const stream = await openStream(procedure, ctx)
    const close = () => stream.close()
    signal?.addEventListener('abort', close)
    if (signal?.aborted) close()
    return items(stream, ctx)
  }

/** The items of a stream, tracked by their ids; its end ends the subscription. */
async function* items(stream: EventStream, { whenTaken }: TrpcContext) {
  try {
    for (let read = await stream.read(); read; read = await stream.read()) {
      for (const item of read) {
        yield tracked(item.id, new SharedItem(item))
        // What a slow reader does not take stays in the log.
        await whenTaken?.()
      }
    }
  } finally {
    stream.close()
  }
}

const openStream = async (procedure: Procedure, ctx: FollowOptions['ctx']): Promise<EventStream> => {
  try {
    const { data } = await procedure.call(ctx.head, async () => renamed(await ctx.getRawInput()))
    return data as EventStream
  } catch (error) {
    throw asTrpc(error, ctx)
  }
}

/** tRPC's client asks to go on behind `lastEventId`; field names are in snake case. */
const renamed = (input: unknown): unknown => {
  if (typeof input !== 'object' || input === null || !('lastEventId' in input)) return input ?? {}
  const { lastEventId, ...fields } = input
  return { ...fields, last_event_id: lastEventId }
}

const asTrpc = (error: unknown, ctx: TrpcContext): TRPCError => {
  const failure = error instanceof TRPCError ? failureOf(error) : toFailure(error, ctx.head.log)
  const named = new TRPCError({ code: trpcCode(failure.status), message: failure.sentence, cause: failure })
  requestIds.set(named, ctx.head.id)
  return named
}
