import { randomUUID } from 'node:crypto'
import type { Account } from './accounts.ts'
import type { TestApp } from './app.ts'
import type { RequestOptions } from './request.ts'

/** Opens a tenant and takes the accounts in. */
export const openTenant = async ({ sql }: TestApp, ...members: Account[]): Promise<string> => {
  const id = randomUUID()
  await sql(`insert into tenants (id, slug, name) values ($1, $2, 'Tenant')`, [id, id])
  for (const { id: userId } of members)
    await sql('insert into members (tenant_id, user_id) values ($1, $2)', [id, userId])
  return id
}

/** Grants permissions, made where there are none yet, through a role of their own. No tenant grants them globally. */
export const grantCodes = async ({ sql }: TestApp, account: Account, codes: readonly string[], tenantId?: string) => {
  const roleId = randomUUID()
  await sql(`insert into roles (id, tenant_id, code, name) values ($1, $2, $3, 'Role')`, [roleId, tenantId, roleId])
  for (const code of codes) {
    await sql(
      `insert into permissions (id, code, resource, action) values ($1, $2, 'r', 'a') on conflict (code) do nothing`,
      [randomUUID(), code],
    )
    await sql('insert into role_permissions (role_id, permission_id) select $1, id from permissions where code = $2', [
      roleId,
      code,
    ])
  }
  await sql('insert into user_roles (user_id, role_id, tenant_id) values ($1, $2, $3)', [account.id, roleId, tenantId])
}

export type MenuCalls = ReturnType<typeof menuCalls>

/** The calls of the menu feature by one token, in a tenant or, without one, in the global bucket. */
export const menuCalls = (app: TestApp, token: string, tenantId?: string) => {
  const call = (method: string, path: string, options: RequestOptions = {}) =>
    app.request(method, `/api/v1/menus${path}`, {
      token,
      ...options,
      headers: { ...(tenantId === undefined ? {} : { 'x-tenant-id': tenantId }), ...options.headers },
    })
  return {
    call,
    create: (fields: object = {}) =>
      call('POST', '', { body: { code: `m-${randomUUID()}`, label: 'Entry', ...fields } }),
    /** Makes an entry and answers its id. */
    add: async (code: string, fields: object = {}): Promise<string> => {
      const { body } = await call('POST', '', { body: { code, label: code, ...fields } })
      return body.data.id
    },
    list: (query = '') => call('GET', query),
    tree: (query = '') => call('GET', `/tree${query}`),
    mine: (headers: Record<string, string> = {}) => call('GET', '/mine', { headers }),
    get: (id: string) => call('GET', `/${id}`),
    update: (id: string, fields: object) => call('PATCH', `/${id}`, { body: fields }),
    remove: (id: string, query = '') => call('DELETE', `/${id}${query}`),
  }
}

interface Node {
  readonly code: string
  readonly children: readonly Node[]
}

/** A tree in one line: `a(b c(d)) e`. */
export const outline = (nodes: readonly Node[]): string =>
  nodes.map(({ code, children }) => (children.length === 0 ? code : `${code}(${outline(children)})`)).join(' ')
