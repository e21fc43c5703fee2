import { randomUUID } from 'node:crypto'
import { type Account, register } from './accounts.ts'
import type { TestApp } from './app.ts'

export interface Tenant {
  readonly id: string
  readonly slug: string
  readonly name: string
}

/** Founds a tenant that the account owns. */
export const found = async ({ request }: TestApp, { accessToken: token }: Account): Promise<Tenant> => {
  const slug = `t-${randomUUID()}`
  return (await request('POST', '/api/v1/tenants', { token, body: { name: 'Acme', slug } })).body.data
}

/** Opens an account and makes it a member, or an owner, of a tenant. */
export const joined = async (app: TestApp, tenant: Tenant, { isOwner = false } = {}): Promise<Account> => {
  const account = await register(app)
  const values = [tenant.id, account.id, isOwner]
  await app.sql('insert into members (tenant_id, user_id, is_owner) values ($1, $2, $3)', values)
  return account
}
