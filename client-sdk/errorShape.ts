import type { TRPC_ERROR_CODE_KEY, TRPC_ERROR_CODE_NUMBER } from '@trpc/server'
import type { ErrorCode } from './api.ts'

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

/** What tRPC's types want to know of a router beside its procedures. */
export interface Root {
  ctx: object
  meta: object
  errorShape: ErrorShape
  transformer: false
}
