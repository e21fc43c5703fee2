import { randomUUID } from 'node:crypto'
import type { TestApp } from './app.ts'
import { makeAdministrator } from './grants.ts'

export const password = 'correct horse battery'

export interface Account {
  readonly id: string
  readonly email: string
  readonly accessToken: string
  readonly refreshToken: string
}

interface SignedIn {
  readonly data: {
    readonly user: { readonly id: string; readonly email: string }
    readonly tokens: { readonly access_token: string; readonly refresh_token: string }
  }
}

const accountOf = ({ data: { user, tokens } }: SignedIn): Account => ({
  id: user.id,
  email: user.email,
  accessToken: tokens.access_token,
  refreshToken: tokens.refresh_token,
})

/** Opens an account that no other test has. */
export const register = async ({ request }: TestApp): Promise<Account> => {
  const email = `${randomUUID()}@example.org`
  return accountOf((await request('POST', '/api/v1/auth/register', { body: { email, password, name: 'Ada' } })).body)
}

/** Opens the account of a global administrator, who holds every permission. */
export const registerAdmin = async (app: TestApp): Promise<Account> => {
  const account = await register(app)
  await makeAdministrator(app, account)
  return account
}

/** Signs an account in on one more device. */
export const login = async ({ request }: TestApp, email: string): Promise<Account> =>
  accountOf((await request('POST', '/api/v1/auth/login', { body: { email, password } })).body)
