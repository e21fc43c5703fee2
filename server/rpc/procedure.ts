import { z } from 'zod'
import type { Entry } from '../../contract/define.ts'
import type { ErrorCode } from '../../contract/vocabulary.ts'
import { Cancellation } from '../../db/cancellation.ts'
import type { Actor, Context, RequestHead, Services } from '../context.ts'
import type { Deadline, Deadlines } from '../platform/deadlines.ts'
import { recordEvent } from '../platform/events/record.ts'
import { callFlags } from '../platform/flags/callFlags.ts'
import type { Load } from '../platform/load.ts'
import type { Tracing } from '../platform/tracing/tracing.ts'
import { withDeadline } from './deadline.ts'
import { Failure, overloaded, refuse } from './failure.ts'
import type { AnyHandler } from './handlers.ts'
import { traceCall } from './traceCall.ts'
import type { Transact } from './transaction.ts'
import { invalidInput, requireReadable } from './validation.ts'

/** Checks a call before its input is read; throws a failure to refuse it. */
export type Gate = (rules: Entry, call: OpenCall) => void | Promise<void>

/** A call on its way to the handler. The gates fill in the actor. */
export interface OpenCall extends Context {
  readonly entry: string
  /** Ends what the call has the database do. */
  readonly cancellation: Cancellation
  actor: Actor | null
  bucket: string
  /** Of X-Tenant-ID, wherever the entry works; the caller may enter it. */
  tenantId: string | undefined
  /** Codes of the caller's roles, while a flag asks for them. */
  roles: readonly string[]
  input: unknown
  readonly fail: (code: ErrorCode, meta?: Readonly<Record<string, unknown>>) => Failure
  /** The answer as it was stored for replay; set by the transaction that stored or found it. */
  settled: { readonly data: unknown; readonly isReplay: boolean } | null
  /** The events of the transaction on their way to the database. */
  recordings: Promise<unknown>[]
}

/** What a call came to: data for the wire, the stream of a subscription, and whether it is an earlier answer sent again. */
export interface Result {
  readonly data: unknown
  readonly isReplay: boolean
}

/** An entry that can be called. Every transport calls this, so their rules cannot differ. */
export interface Procedure {
  /** Contract key: `auth.register`. */
  readonly path: string
  readonly rules: Entry
  /** Runs gates, input, handler and output. Rejects with a Failure, or with whatever broke. */
  readonly call: (request: RequestHead, readInput: () => unknown) => Promise<Result>
}

interface Parts {
  readonly path: string
  readonly rules: Entry
  readonly handler: AnyHandler
  readonly services: Services
  readonly gates: readonly Gate[]
  readonly transact: Transact
  readonly deadlines: Deadlines
  readonly load: Pick<Load, 'hasRoom' | 'noteRefused'>
  readonly tracing?: Tracing | undefined
}

export const createProcedure = (parts: Parts): Procedure => {
  const { path, rules, handler, gates, deadlines, load, tracing } = parts
  const input = rules.input && z.compile(rules.input)
  const output = z.compile(rules.output)
  const serialize = (answer: unknown) => output.parse(answer)

  const parse = (value: unknown) => {
    if (!input) return undefined
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('request.malformed')
    requireReadable(value)
    const parsed = input.safeParse(value)
    if (!parsed.success) throw invalidInput(parsed.error.issues, value)
    return parsed.data
  }

  const run = async (call: OpenCall, readInput: () => unknown, deadline: Deadline): Promise<Result> => {
    if (tracing?.current()) await tracing.span('gates', {}, () => passGates(gates, rules, call))
    else
      for (const gate of gates) {
        const pending = gate(rules, call)
        if (pending) await pending
      }
    deadline.pause()
    const sent = await readInput()
    deadline.resume()
    call.input = parse(sent)
    enterTenant(rules, call)
    const answer = await handler(call as unknown as Parameters<AnyHandler>[0])
    if (answer instanceof Failure) throw answer
    if (rules.kind === 'subscription') return { data: answer, isReplay: false }
    return call.settled ?? { data: serialize(answer), isReplay: false }
  }

  return {
    path,
    rules,
    call(request, readInput) {
      if (!load.hasRoom()) {
        load.noteRefused()
        return Promise.reject(overloaded)
      }
      const call = new PendingCall(parts, request, serialize)
      const work = () =>
        withDeadline(deadlines, { call, seconds: rules.deadlineSeconds }, (deadline) => run(call, readInput, deadline))
      return tracing ? traceCall(tracing, { call, rules }, work) : work()
    },
  }
}

const passGates = async (gates: readonly Gate[], rules: Entry, call: OpenCall): Promise<void> => {
  for (const gate of gates) await gate(rules, call)
}

/**
 * The tenant of a path is the bucket of the call. Where goforge's clients repeat the tenant in the input, it must be
 * the one of the header: two tenants in one call are a mistake.
 */
const enterTenant = (rules: Entry, call: OpenCall): void => {
  const { id, tenant_id: echo } = (call.input ?? {}) as { id?: string; tenant_id?: string | null }
  if (rules.tenancy === 'path' && id !== undefined) call.bucket = id
  if (rules.tenancy === 'bucket' && typeof echo === 'string' && echo !== call.bucket) throw refuse('tenant.invalid')
}

/** A class: with its getter in an object literal, every call would be a slow dictionary, at 3 us apiece. */
class PendingCall implements OpenCall {
  readonly entry: string
  readonly cancellation = new Cancellation()
  readonly request: RequestHead
  actor: Actor | null = null
  input: unknown = undefined
  settled: OpenCall['settled'] = null
  recordings: Promise<unknown>[] = []
  bucket = 'global'
  tenantId: string | undefined = undefined
  roles: readonly string[] = []
  readonly passwords: Services['passwords']
  readonly tokens: Services['tokens']
  readonly cursors: Services['cursors']
  readonly lifetimes: Services['lifetimes']
  readonly guesses: Services['guesses']
  readonly keyEnvironment: Services['keyEnvironment']
  readonly streams: Services['streams']
  readonly permissionsNow: Services['permissionsNow']
  readonly now: Services['now']
  // Handlers take these apart from the call, so they are bound to it.
  readonly fail: OpenCall['fail']
  readonly readAs: OpenCall['readAs']
  readonly transaction: OpenCall['transaction']
  readonly record: OpenCall['record']
  readonly #services: Services

  constructor(
    { path, rules, services, transact, tracing }: Parts,
    request: RequestHead,
    serialize: (answer: unknown) => unknown,
  ) {
    this.entry = path
    this.request = request
    this.#services = services
    this.passwords = services.passwords
    this.tokens = services.tokens
    this.cursors = services.cursors
    this.lifetimes = services.lifetimes
    this.guesses = services.guesses
    this.keyEnvironment = services.keyEnvironment
    this.streams = services.streams
    this.permissionsNow = services.permissionsNow
    this.now = services.now
    this.fail = failWith
    const marked = services.replica && rules.kind === 'query' && rules.replica ? services.replica : undefined
    this.readAs = (query) => {
      const { bucket, actor, cancellation } = this
      const scope = { tenant: bucket, person: actor?.userId }
      if (!marked) return services.database.readAs(scope, query, cancellation)
      return marked.readAs(query, { scope, wroteLately: actor !== null && actor.wroteLately !== false, cancellation })
    }
    this.transaction = (work, bucket) => {
      if (bucket !== undefined) this.bucket = bucket
      return transact({ rules, call: this, serialize }, work)
    }
    this.record = (tx, happening) => {
      const { bucket, actor } = this
      const origin = {
        bucket,
        actorId: actor?.userId ?? null,
        requestId: request.id,
        traceparent: request.traceparent ?? null,
        tracing,
      }
      const recording = recordEvent(tx, origin, happening)
      // Looked at when the transaction has ended; until then nobody listens.
      recording.catch(() => {})
      this.recordings.push(recording)
      return sent
    }
  }

  get flags(): OpenCall['flags'] {
    const { tenantId, roles } = this
    return callFlags(this.#services.flags, { userId: this.actor?.userId, tenantId, roles })
  }

  get db() {
    return this.#services.database.dbFor(this.cancellation)
  }
}

const sent = Promise.resolve()

const failWith: OpenCall['fail'] = (code, meta) => refuse(code, meta && { meta })
