import type { Failure } from '../rpc/failure.ts'
import type { Answer, HeaderMap } from './exchange.ts'

const json: HeaderMap = { 'content-type': 'application/json; charset=utf-8' }

/** A successful reply. The request id holds no character that JSON would escape. */
export const success = (status: number, data: unknown, requestId: string, headers?: HeaderMap): Answer => ({
  status,
  headers: headers ? { ...json, ...headers } : json,
  body: `{"success":true,"data":${JSON.stringify(data)},"request_id":"${requestId}"}`,
})

/** The reply to a failure: its code and public sentence, never its cause. */
export const refusal = (failure: Failure, requestId: string, headers: HeaderMap = {}): Answer => {
  const { code, sentence: message, meta } = failure
  return {
    status: failure.status,
    headers: { ...json, ...failureHeaders(failure), ...headers },
    body: JSON.stringify({ success: false, error: { code, message, meta }, request_id: requestId }),
  }
}

/** Headers that a status asks for: RFC 9110 11.6.1 and 10.2.3. */
export const failureHeaders = ({ status, retryAfterSeconds }: Failure): HeaderMap => {
  const headers: Record<string, string> = {}
  if (status === 401) headers['www-authenticate'] = 'Bearer'
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterSeconds)))
  return headers
}
