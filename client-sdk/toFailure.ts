import { TRPCClientError } from '@trpc/client'
import type { Router } from './api.ts'
import type { ErrorShape } from './errorShape.ts'
import { ClientFailure, type FailureCode, type FailureDetail } from './failure.ts'

/** The failure for whatever a tRPC link rejects with. */
export const toFailure = (error: unknown): ClientFailure => {
  if (error instanceof ClientFailure) return error
  if (!(error instanceof TRPCClientError)) return new ClientFailure('client.unreachable', { cause: error })
  if (error.cause instanceof ClientFailure) return error.cause
  const { shape, meta, cause } = error as TRPCClientError<Router>
  const response = meta?.response as Response | undefined
  if (shape?.data?.failure) return ofShape(shape, response)
  if (response) return ofEnvelope(meta?.responseJSON, response)
  return new ClientFailure(cause instanceof SyntaxError ? 'client.unreadable' : 'client.unreachable', { cause })
}

/** The failure for an error as tRPC tells it. */
export const ofShape = ({ message, data }: ErrorShape, response: Response | undefined): ClientFailure =>
  new ClientFailure(data.failure.code, {
    message,
    status: data.httpStatus,
    requestId: data.request_id,
    ...(data.failure.meta ? { meta: data.failure.meta } : {}),
    ...retryAfter(response),
  })

interface Envelope {
  readonly error?: { readonly code?: unknown; readonly message?: string; readonly meta?: Record<string, unknown> }
}

/** The server answers in its REST envelope where it refuses a request before it knows that tRPC is spoken. */
export const ofEnvelope = (body: unknown, response: Response): ClientFailure => {
  const refusal = (body as Envelope | null)?.error
  if (typeof refusal?.code !== 'string') return unreadable(response)
  const { code, message, meta } = refusal
  return new ClientFailure(code as FailureCode, {
    ...detailOf(response),
    ...(message === undefined ? {} : { message }),
    ...(meta ? { meta } : {}),
  })
}

/** The failure for an answer that is not of this API. */
export const unreadable = (response: Response): ClientFailure =>
  new ClientFailure('client.unreadable', detailOf(response))

const detailOf = (response: Response): FailureDetail => {
  const requestId = response.headers.get('x-request-id')
  return { status: response.status, ...(requestId ? { requestId } : {}), ...retryAfter(response) }
}

/** RFC 9110 10.2.3: seconds, or a date. */
const retryAfter = (response: Response | undefined): { retryAfterSeconds?: number } => {
  const text = response?.headers.get('retry-after')
  if (!text) return {}
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - Date.now()) / 1000)
  return Number.isFinite(seconds) ? { retryAfterSeconds: Math.max(0, seconds) } : {}
}
