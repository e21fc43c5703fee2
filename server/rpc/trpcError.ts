import type { TRPC_ERROR_CODE_KEY, TRPC_ERROR_CODE_NUMBER } from '@trpc/server/rpc'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import type { ErrorCode } from '../../contract/vocabulary.ts'
import type { Failure } from './failure.ts'

/** An error as tRPC clients receive it. */
export interface ErrorShape {
  readonly message: string
  readonly code: TRPC_ERROR_CODE_NUMBER
  readonly data: {
    readonly code: TRPC_ERROR_CODE_KEY
    readonly httpStatus: number
    readonly path: string | undefined
    readonly failure: { readonly code: ErrorCode; readonly meta?: Readonly<Record<string, unknown>> }
    readonly request_id: string
  }
}

const keys: Record<number, TRPC_ERROR_CODE_KEY> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_SUPPORTED',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'TOO_MANY_REQUESTS',
  503: 'SERVICE_UNAVAILABLE',
}

/** The tRPC code that stands for a status; 500 for one that tRPC has no word for. */
export const trpcCode = (status: number): TRPC_ERROR_CODE_KEY => keys[status] ?? 'INTERNAL_SERVER_ERROR'

/** The one shape of an error over tRPC, whoever answers. */
export const errorShape = (failure: Failure, path: string | undefined, requestId: string): ErrorShape => {
  const key = trpcCode(failure.status)
  const { code, meta } = failure
  return {
    message: failure.sentence,
    code: TRPC_ERROR_CODES_BY_KEY[key],
    data: {
      code: key,
      httpStatus: failure.status,
      path,
      failure: meta === undefined ? { code } : { code, meta },
      request_id: requestId,
    },
  }
}

/** Our code for an error that tRPC itself raised. The full record makes a new tRPC code a compile error. */
export const codeOfTrpc: Record<TRPC_ERROR_CODE_KEY, ErrorCode> = {
  PARSE_ERROR: 'request.malformed',
  BAD_REQUEST: 'request.malformed',
  UNAUTHORIZED: 'auth.invalid',
  PAYMENT_REQUIRED: 'internal',
  FORBIDDEN: 'rbac.permission_required',
  NOT_FOUND: 'route.not_found',
  METHOD_NOT_SUPPORTED: 'route.method_not_allowed',
  TIMEOUT: 'deadline_exceeded',
  CONFLICT: 'internal',
  PRECONDITION_FAILED: 'internal',
  PAYLOAD_TOO_LARGE: 'request.too_large',
  UNSUPPORTED_MEDIA_TYPE: 'request.unsupported_media_type',
  UNPROCESSABLE_CONTENT: 'validation',
  PRECONDITION_REQUIRED: 'internal',
  TOO_MANY_REQUESTS: 'rate_limited',
  CLIENT_CLOSED_REQUEST: 'internal',
  INTERNAL_SERVER_ERROR: 'internal',
  NOT_IMPLEMENTED: 'internal',
  BAD_GATEWAY: 'unavailable',
  SERVICE_UNAVAILABLE: 'unavailable',
  GATEWAY_TIMEOUT: 'deadline_exceeded',
}
