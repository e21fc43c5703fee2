import type { ErrorRule } from './define.ts'

/**
 * Every error code, its HTTP status and its public sentence. The status stands nowhere else.
 * The table grows by addition: a released code keeps its meaning.
 */
export const errors = {
  validation: [400, 'Some fields are not valid; see meta.fields.'],
  'request.malformed': [400, 'The request could not be read.'],
  'request.too_large': [413, 'The request body is larger than the server accepts.'],
  'request.unsupported_media_type': [415, 'The body must be sent as application/json without content encoding.'],
  'request.headers_too_large': [431, 'The request headers are larger than the server accepts.'],
  'route.not_found': [404, 'There is nothing at this path.'],
  'route.method_not_allowed': [405, 'This path does not answer to this method; see the Allow header.'],
  'auth.missing_token': [401, 'This call needs an Authorization: Bearer header.'],
  'auth.invalid': [401, 'The token is not valid, or no longer is.'],
  'auth.token_reused': [401, 'This refresh token was used before; its session has been ended.'],
  'user.invalid_credentials': [401, 'The e-mail or the password is wrong.'],
  'user.email_taken': [409, 'An account with this e-mail exists already.'],
  'session.not_found': [404, 'There is no such session.'],
  'rbac.permission_required': [403, 'This call needs a permission that the caller does not hold.'],
  'idempotency.key_invalid': [400, 'An Idempotency-Key is 1 to 255 printable ASCII characters, for one mutation.'],
  'idempotency.key_reused': [409, 'This Idempotency-Key was used for another request.'],
  'idempotency.in_progress': [409, 'A request with this Idempotency-Key is still running.'],
  'cursor.invalid': [400, 'This cursor was not issued by this list.'],
  rate_limited: [429, 'Too many requests; wait for the seconds in Retry-After.'],
  'admin.unauthorized': [401, 'This call needs the X-Admin-Token header.'],
  'admin.forbidden': [403, 'Without an ADMIN_TOKEN this path answers the local machine only.'],
  internal: [500, 'Something went wrong on our side.'],
  overloaded: [503, 'The server is busy; try again after the seconds in Retry-After.'],
  unavailable: [503, 'The service is not available at the moment.'],
  deadline_exceeded: [503, 'The call took too long and was stopped.'],
} as const satisfies Record<string, ErrorRule>

export type ErrorCode = keyof typeof errors
