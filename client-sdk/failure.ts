import type { ErrorCode } from './api.ts'

/** Sentences of the failures that no server had a part in. */
const sentences = {
  'client.unreachable': 'The server could not be reached.',
  'client.timeout': 'The server did not answer in time.',
  'client.aborted': 'The call was given up by its caller.',
  'client.unreadable': 'The answer did not come from this API.',
}

/**
 * `client.unreachable`: no connection, or it broke. `client.timeout`: the last attempt ran out of time. `client.aborted`:
 * the caller's signal. `client.unreadable`: something in between answered, such as a proxy with a page of HTML.
 */
export type ConnectionCode = keyof typeof sentences

export type FailureCode = ErrorCode | ConnectionCode

export interface FailureDetail {
  readonly message?: string
  readonly status?: number
  readonly meta?: Readonly<Record<string, unknown>>
  readonly requestId?: string
  readonly retryAfterSeconds?: number
  readonly cause?: unknown
}

/** Why a call failed. Every call rejects with this class; `code` says what to do about it. */
export class ClientFailure<C extends FailureCode = FailureCode> extends Error {
  override readonly name = 'ClientFailure'
  readonly code: C
  /** The HTTP status; undefined when no answer came. */
  readonly status: number | undefined
  /** What the server says beyond the code. */
  readonly meta: Readonly<Record<string, unknown>> | undefined
  /** Names the call in the server's log. */
  readonly requestId: string | undefined
  /** Seconds after which trying again makes sense, when the server said so. */
  readonly retryAfterSeconds: number | undefined

  constructor(code: C, detail: FailureDetail = {}) {
    super(detail.message ?? sentenceOf(code), { cause: detail.cause })
    this.code = code
    this.status = detail.status
    this.meta = detail.meta
    this.requestId = detail.requestId
    this.retryAfterSeconds = detail.retryAfterSeconds
  }

  /** What is wrong with which field, after `validation`: `{ email: 'must be a valid email' }`. Otherwise empty. */
  get fields(): Readonly<Record<string, string>> {
    const fields = this.code === 'validation' ? this.meta?.fields : undefined
    return typeof fields === 'object' && fields !== null ? (fields as Record<string, string>) : {}
  }
}

const sentenceOf = (code: FailureCode): string => (code in sentences ? sentences[code as ConnectionCode] : code)

/** True for a failed call; with `code`, for one that failed for this reason. */
export const isFailure = <C extends FailureCode = FailureCode>(error: unknown, code?: C): error is ClientFailure<C> =>
  error instanceof ClientFailure && (code === undefined || error.code === code)
