export { idempotencyKeys } from './idempotencyKeys.ts'
export { refreshTokens } from './refreshTokens.ts'
export { sessions } from './sessions.ts'
export { users } from './users.ts'
