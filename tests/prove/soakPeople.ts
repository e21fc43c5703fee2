import { randomUUID } from 'node:crypto'
import { type Answer, type Call, password } from './databaseTraffic.ts'

/** Sends a call and resolves to its answer; rejects when its status is another one. */
export type Ask = (name: string, status: number, call: Call) => Promise<Answer>

/** What somebody does from the first call to the last. */
export type Errand = (ask: Ask) => Promise<void>

const api = '/api/v1'
const key = () => randomUUID()

/** Opens an account, looks around, signs in once more, renews the tokens and signs out. */
export const visit: Errand = async (ask) => {
  const { token, email } = await signUp(ask)
  await read(ask, token)
  const login = { method: 'POST', path: `${api}/auth/login`, key: key(), body: { email, password } } as const
  const { tokens } = (await ask('auth.login', 200, login)).data
  const body = { refresh_token: tokens.refresh_token }
  const renewed = (await ask('auth.refresh', 200, { method: 'POST', path: `${api}/auth/refresh`, body })).data
  await ask('sessions.list', 200, { method: 'GET', path: `${api}/me/sessions`, token: renewed.access_token })
  await ask('auth.logout', 204, { method: 'POST', path: `${api}/auth/logout`, token: renewed.access_token })
  await ask('auth.me, signed out', 401, { method: 'GET', path: `${api}/auth/me`, token: renewed.access_token })
}

const read = async (ask: Ask, token: string) => {
  await ask('auth.me', 200, { method: 'GET', path: `${api}/auth/me`, token })
  await ask('access.mine', 200, { method: 'GET', path: `${api}/me/access`, token })
  await ask('menus.mine', 200, { method: 'GET', path: `${api}/menus/mine`, token })
}

/** Makes an API key, uses and revokes it. */
export const useKey: Errand = async (ask) => {
  const { token } = await signUp(ask)
  const made = await ask('apiKeys.create', 201, {
    ...{ method: 'POST', path: `${api}/api-keys`, token, key: key() },
    body: { name: 'soak' },
  })
  await ask('auth.me by key', 200, { method: 'GET', path: `${api}/auth/me`, token: made.data.plaintext })
  await ask('apiKeys.list', 200, { method: 'GET', path: `${api}/api-keys`, token })
  await ask('apiKeys.revoke', 204, { method: 'DELETE', path: `${api}/api-keys/${made.data.id}`, token })
  await ask('auth.me by ended key', 401, { method: 'GET', path: `${api}/auth/me`, token: made.data.plaintext })
}

/** Founds a tenant, takes somebody in, renames and deletes it. */
export const found: Errand = async (ask) => {
  const [owner, guest] = [await signUp(ask), await signUp(ask)]
  const { token } = owner
  const body = { name: 'Acme', slug: `t-${randomUUID()}` }
  const { id } = (await ask('tenants.create', 201, { method: 'POST', path: `${api}/tenants`, token, key: key(), body }))
    .data
  const path = `${api}/tenants/${id}`
  await ask('tenants.addMember', 201, { method: 'POST', path: `${path}/members`, token, body: { email: guest.email } })
  await ask('tenants.members', 200, { method: 'GET', path: `${path}/members`, token: guest.token })
  await ask('tenants.update', 200, { method: 'PATCH', path, token, body: { name: 'Acme & Co.' } })
  await ask('tenants.list', 200, { method: 'GET', path: `${api}/tenants`, token: guest.token })
  await ask('tenants.delete', 204, { method: 'DELETE', path, token })
  await ask('tenants.get, deleted', 404, { method: 'GET', path, token })
}

/** Calls over tRPC, alone and in batches. */
export const callProcedures: Errand = async (ask) => {
  const { token, email } = await signUp(ask)
  await ask('tRPC auth.me', 200, { method: 'GET', path: '/trpc/auth.me', token })
  const batch = '/trpc/auth.me,access.mine,menus.mine,sessions.list?batch=1&input=%7B%223%22%3A%7B%22limit%22%3A5%7D%7D'
  await ask('tRPC batch of four', 200, { method: 'GET', path: batch, token })
  await ask('tRPC auth.login', 200, { method: 'POST', path: '/trpc/auth.login', body: { email, password } })
  await ask('tRPC sessions.revokeOthers', 200, { method: 'POST', path: '/trpc/sessions.revokeOthers', token, body: {} })
  await ask('tRPC auth.me, nobody', 401, { method: 'GET', path: '/trpc/auth.me' })
}

/** What an administrator does with roles, menus and permissions, all of it undone at the end. */
export const administer =
  (token: string): Errand =>
  async (ask) => {
    const permissions = await ask('permissions.list', 200, { method: 'GET', path: `${api}/permissions?limit=5`, token })
    const body = { code: `soak-${randomUUID()}`, name: 'Soak' }
    const made = await ask('roles.create', 201, { method: 'POST', path: `${api}/roles`, token, key: key(), body })
    const role = `${api}/roles/${made.data.id}`
    const ids = { permission_ids: permissions.data.items.map(({ id }: { id: string }) => id) }
    await ask('roles.setPermissions', 200, { method: 'PUT', path: `${role}/permissions`, token, body: ids })
    await ask('roles.get', 200, { method: 'GET', path: role, token })
    await ask('roles.delete', 204, { method: 'DELETE', path: role, token })
    await arrange(ask, token)
    await ask('users.list', 200, { method: 'GET', path: `${api}/users?limit=10`, token })
  }

const arrange = async (ask: Ask, token: string) => {
  const body = { code: `soak-${randomUUID()}`, label: 'Soak' }
  const made = await ask('menus.create', 201, { method: 'POST', path: `${api}/menus`, token, key: key(), body })
  const path = `${api}/menus/${made.data.id}`
  await ask('menus.update', 200, { method: 'PATCH', path, token, body: { label: 'Soaked' } })
  await ask('menus.tree', 200, { method: 'GET', path: `${api}/menus/tree`, token })
  await ask('menus.delete', 204, { method: 'DELETE', path, token })
}

export interface Person {
  readonly id: string
  readonly email: string
  readonly token: string
}

/** Opens an account. */
export const signUp = async (ask: Ask): Promise<Person> => {
  const body = { email: `${randomUUID()}@example.org`, password, name: 'Ada' }
  const call = { method: 'POST', path: `${api}/auth/register`, key: key(), body } as const
  const { user, tokens } = (await ask('auth.register', 201, call)).data
  return { id: user.id, email: user.email, token: tokens.access_token }
}
