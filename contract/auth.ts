import { z } from 'zod'
import { mutation, query } from './core.ts'
import { Email, Instant, label, Password, PasswordAttempt } from './scalars.ts'
import { User } from './user.ts'

/** `expires_at` is the end of the access token; the refresh token works once. */
const Tokens = z
  .object({
    access_token: z.string(),
    refresh_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_at: Instant,
  })
  .meta({ id: 'Tokens' })

const SignedIn = z.object({ user: User, tokens: Tokens }).meta({ id: 'SignedIn' })

export const auth = {
  register: mutation({
    summary: 'Open an account and sign in.',
    http: ['POST', '/api/v1/auth/register', 201],
    access: 'public',
    flag: 'registration',
    rate: 'credential',
    tenancy: 'none',
    idempotency: 'key',
    secret: true,
    input: z.object({ email: Email, password: Password, name: label(1, 120) }),
    output: SignedIn,
    errors: ['user.email_taken'],
  }),

  login: mutation({
    summary: 'Sign in with e-mail and password; begins a session.',
    http: ['POST', '/api/v1/auth/login'],
    access: 'public',
    rate: 'credential',
    tenancy: 'none',
    idempotency: 'key',
    secret: true,
    input: z.object({ email: Email, password: PasswordAttempt }),
    output: SignedIn,
    errors: ['user.invalid_credentials'],
  }),

  refresh: mutation({
    summary: 'Exchange a refresh token for new tokens. Each works once; using one twice ends its session.',
    http: ['POST', '/api/v1/auth/refresh'],
    access: 'public',
    rate: 'credential',
    tenancy: 'none',
    idempotency: 'key',
    secret: true,
    input: z.object({ refresh_token: z.string().min(1).max(512) }),
    output: Tokens,
    errors: ['auth.invalid', 'auth.token_reused'],
  }),

  logout: mutation({
    summary: 'End this session.',
    http: ['POST', '/api/v1/auth/logout'],
    access: 'session',
    rate: 'write',
    tenancy: 'none',
    idempotency: 'none',
    output: z.void(),
  }),

  me: query({
    summary: 'The account of the caller.',
    http: ['GET', '/api/v1/auth/me'],
    access: 'user',
    rate: 'read',
    tenancy: 'none',
    output: User,
  }),

  changePassword: mutation({
    summary: 'Change the password; ends all other sessions.',
    http: ['POST', '/api/v1/auth/password'],
    access: 'session',
    rate: 'credential',
    tenancy: 'none',
    idempotency: 'key',
    input: z.object({ current_password: PasswordAttempt, new_password: Password }),
    output: z.void(),
    errors: ['user.invalid_credentials'],
  }),
}
