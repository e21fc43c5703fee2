import { type ErrorCode, errors } from '../../contract/vocabulary.ts'

export interface FailureDetail {
  /** What a client may know beyond the code, such as `fields`. Sent as it is. */
  readonly meta?: Readonly<Record<string, unknown>>
  /** Sent as Retry-After. */
  readonly retryAfterSeconds?: number
  /** For the log only. */
  readonly cause?: unknown
}

/**
 * A refusal with a code of the table. Status and public sentence come from there, so nothing of an exception can reach
 * a client. Thrown it rolls a transaction back; returned by a handler it commits.
 */
export class Failure extends Error {
  readonly code: ErrorCode
  readonly meta: Readonly<Record<string, unknown>> | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, detail: FailureDetail = {}) {
    super(code, { cause: detail.cause })
    this.code = code
    this.meta = detail.meta
    this.retryAfterSeconds = detail.retryAfterSeconds
  }

  get status(): number {
    return errors[this.code][0]
  }

  get sentence(): string {
    return errors[this.code][1]
  }
}

/** Makes a failure outside a handler; handlers use the `fail` they are given, which knows the codes they declared. */
export const refuse = (code: ErrorCode, detail?: FailureDetail): Failure => new Failure(code, detail)

/** Made once: an error of its own for each would cost more than all else that a refused call does. */
export const overloaded = refuse('overloaded', { retryAfterSeconds: 1 })
