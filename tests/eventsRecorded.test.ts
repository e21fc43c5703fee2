import { afterAll, beforeAll, expect, it } from 'vitest'
import { topicNames } from '../contract/vocabulary.ts'
import { type Account, login, password, register, registerAdmin } from './support/accounts.ts'
import { startApp, type TestApp } from './support/app.ts'
import { entries } from './support/entries.ts'
import { scenes, type Work } from './support/scenes.ts'

/** Every mutation, done once with success: what it records, and that a failure records nothing. */
let app: TestApp
let admin: Account
let member: Account

beforeAll(async () => {
  // What calls record, and nobody else: consumers of modules record events of their own.
  app = await startApp({ environment: { RUN_CONSUMERS: 'false' } })
  admin = await registerAdmin(app)
  member = await register(app)
})
afterAll(() => app.close())

interface Call {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

const unique = () => `x${Math.random().toString(36).slice(2, 10)}`
const made = async (path: string, body: unknown, token = admin.accessToken): Promise<string> =>
  (await app.request('POST', `/api/v1${path}`, { body, token })).body.data.id
const newRole = () => made('/roles', { code: unique(), name: 'Role' })
const newMenu = () => made('/menus', { code: unique(), label: 'Menu' })
const newPermission = () => made('/permissions', { code: `${unique()}.do`, resource: 'r', action: 'do' })
const newTenant = () => made('/tenants', { slug: unique(), name: 'Tenant' })
const tenantWith = async (email: string) => {
  const id = await newTenant()
  await app.request('POST', `/api/v1/tenants/${id}/members`, { token: admin.accessToken, body: { email } })
  return id
}

/** How each mutation is done, and the topic it records. A mutation that is missing here fails the test. */
const deeds: Record<string, readonly [topic: string, call: () => Promise<Call>]> = {
  'auth.register': [
    'user.registered',
    async () => ({
      method: 'POST',
      path: '/auth/register',
      body: { email: `${unique()}@example.org`, password, name: 'Ada' },
    }),
  ],
  'auth.login': [
    'session.started',
    async () => ({ method: 'POST', path: '/auth/login', body: { email: member.email, password } }),
  ],
  'auth.refresh': [
    'session.refreshed',
    async () => ({
      method: 'POST',
      path: '/auth/refresh',
      body: { refresh_token: (await login(app, member.email)).refreshToken },
    }),
  ],
  'auth.logout': [
    'session.ended',
    async () => ({ method: 'POST', path: '/auth/logout', token: (await login(app, member.email)).accessToken }),
  ],
  'auth.changePassword': [
    'user.password_changed',
    async () => ({
      method: 'POST',
      path: '/auth/password',
      token: (await register(app)).accessToken,
      body: { current_password: password, new_password: 'another good password' },
    }),
  ],
  'sessions.revoke': [
    'session.ended',
    async () => {
      const { accessToken: token } = await login(app, member.email)
      const { body } = await app.request('GET', '/api/v1/me/sessions', { token })
      const [other] = body.data.items.filter(({ current }: { current: boolean }) => !current)
      return { method: 'DELETE', path: `/me/sessions/${other.id}`, token }
    },
  ],
  'sessions.revokeOthers': [
    'session.others_ended',
    async () => {
      await login(app, member.email)
      return { method: 'DELETE', path: '/me/sessions', token: (await login(app, member.email)).accessToken }
    },
  ],
  'apiKeys.create': [
    'apikey.created',
    async () => ({ method: 'POST', path: '/api-keys', body: { name: 'Key', scopes: ['*'] } }),
  ],
  'apiKeys.revoke': [
    'apikey.revoked',
    async () => ({ method: 'DELETE', path: `/api-keys/${await made('/api-keys', { name: 'Key', scopes: ['*'] })}` }),
  ],
  'permissions.create': [
    'permission.created',
    async () => ({
      method: 'POST',
      path: '/permissions',
      body: { code: `${unique()}.do`, resource: 'r', action: 'do' },
    }),
  ],
  'permissions.update': [
    'permission.updated',
    async () => ({ method: 'PATCH', path: `/permissions/${await newPermission()}`, body: { description: 'D' } }),
  ],
  'permissions.delete': [
    'permission.deleted',
    async () => ({ method: 'DELETE', path: `/permissions/${await newPermission()}` }),
  ],
  'roles.create': [
    'role.created',
    async () => ({ method: 'POST', path: '/roles', body: { code: unique(), name: 'Role' } }),
  ],
  'roles.update': [
    'role.updated',
    async () => ({ method: 'PATCH', path: `/roles/${await newRole()}`, body: { name: 'Other' } }),
  ],
  'roles.delete': ['role.deleted', async () => ({ method: 'DELETE', path: `/roles/${await newRole()}` })],
  'roles.setPermissions': [
    'role.permissions_changed',
    async () => ({ method: 'PUT', path: `/roles/${await newRole()}/permissions`, body: { permission_ids: [] } }),
  ],
  'users.disable': [
    'user.disabled',
    async () => ({ method: 'POST', path: `/users/${(await register(app)).id}/disable` }),
  ],
  'users.enable': ['user.enabled', async () => ({ method: 'POST', path: `/users/${member.id}/enable` })],
  'users.setRoles': [
    'user.roles_changed',
    async () => ({ method: 'PUT', path: `/users/${member.id}/roles`, body: { role_ids: [await newRole()] } }),
  ],
  'menus.create': [
    'menu.created',
    async () => ({ method: 'POST', path: '/menus', body: { code: unique(), label: 'Menu' } }),
  ],
  'menus.update': [
    'menu.updated',
    async () => ({ method: 'PATCH', path: `/menus/${await newMenu()}`, body: { label: 'Other' } }),
  ],
  'menus.delete': ['menu.deleted', async () => ({ method: 'DELETE', path: `/menus/${await newMenu()}` })],
  'tenants.create': [
    'tenant.created',
    async () => ({ method: 'POST', path: '/tenants', body: { slug: unique(), name: 'T' } }),
  ],
  'tenants.update': [
    'tenant.updated',
    async () => ({ method: 'PATCH', path: `/tenants/${await newTenant()}`, body: { name: 'Other' } }),
  ],
  'tenants.delete': ['tenant.deleted', async () => ({ method: 'DELETE', path: `/tenants/${await newTenant()}` })],
  'tenants.leave': [
    'tenant.member_left',
    async () => {
      const path = `/tenants/${await tenantWith(member.email)}/leave`
      return { method: 'POST', path, token: (await login(app, member.email)).accessToken }
    },
  ],
  'tenants.transfer': [
    'tenant.transferred',
    async () => ({
      method: 'POST',
      path: `/tenants/${await tenantWith(member.email)}/transfer`,
      body: { user_id: member.id },
    }),
  ],
  'tenants.addMember': [
    'tenant.member_added',
    async () => ({ method: 'POST', path: `/tenants/${await newTenant()}/members`, body: { email: member.email } }),
  ],
  'tenants.removeMember': [
    'tenant.member_removed',
    async () => ({ method: 'DELETE', path: `/tenants/${await tenantWith(member.email)}/members/${member.id}` }),
  ],
  'flags.set': ['flag.set', async () => ({ method: 'PUT', path: '/flag-rules/registration', body: { value: true } })],
  'flags.clear': [
    'flag.cleared',
    async () => {
      const path = '/flag-rules/registration'
      await app.request('PUT', `/api/v1${path}`, { token: admin.accessToken, body: { value: true } })
      return { method: 'DELETE', path }
    },
  ],
  'events.ticket': ['stream.ticket_issued', async () => ({ method: 'POST', path: '/stream/ticket' })],
}

/** A tenant of the administrator, for what modules do in it. */
const inTenant = async (): Promise<Work> => {
  const headers = { 'x-tenant-id': await newTenant() }
  const make: Work['make'] = async (path, body) =>
    (await app.request('POST', `/api/v1${path}`, { body, token: admin.accessToken, headers })).body.data.id
  return { headers, personId: admin.id, make }
}

for (const [key, [topic, prepare]] of scenes.flatMap((scene) => Object.entries(scene.deeds))) {
  deeds[key] = [
    topic,
    async () => {
      const work = await inTenant()
      return { ...(await prepare(work)), headers: work.headers }
    },
  ]
}

const mutations = [...entries].filter(([, { kind }]) => kind === 'mutation').map(([key]) => key)

const recorded = () => app.sql('select topic, request_id, target, tenant_id, actor_id from events order by sequence')

it.each(mutations)('%s records its event with the change', async (key) => {
  const [topic, prepare] = deeds[key] ?? []
  if (!topic || !prepare) throw new Error(`say in this test, or in the scene of its module, how ${key} is done`)
  const { method, path, body, token = admin.accessToken, headers } = await prepare()
  const id = `${key}-1`
  const reply = await app.request(method, `/api/v1${path}`, {
    ...{ body, token },
    headers: { 'x-request-id': id, ...headers },
  })
  expect([reply.status, reply.body?.error]).toEqual([expect.toBeOneOf([200, 201, 204]), undefined])
  const events = (await recorded()).filter(({ request_id }) => request_id === id)
  expect(events.map((event) => event.topic)).toEqual([topic])
})

it('has a use for every topic', async () => {
  const behind = scenes.flatMap(({ behindTheScene = [] }) => behindTheScene)
  const used = new Set([...behind, ...Object.values(deeds).map(([topic]) => topic)])
  expect(topicNames.filter((topic) => !used.has(topic))).toEqual([])
})

it('records nothing for a call that fails, nor a second time for a call that is repeated', async () => {
  const before = (await recorded()).length
  const failed = { token: admin.accessToken, body: { email: 'nobody@example.org' } }
  const tenantId = await newTenant()
  await app.request('POST', `/api/v1/tenants/${tenantId}/members`, failed)
  const again = { token: admin.accessToken, body: { code: unique(), label: 'M' }, headers: { 'idempotency-key': 'k1' } }
  const first = await app.request('POST', '/api/v1/menus', again)
  const second = await app.request('POST', '/api/v1/menus', again)
  expect(second.body.data).toEqual(first.body.data)
  const events = (await recorded()).slice(before)
  expect(events.map(({ topic }) => topic)).toEqual(['tenant.created', 'menu.created'])
})

it('takes the change back when its event cannot be recorded', async () => {
  const code = unique()
  await app.sql('revoke insert on events from app')
  const reply = await app.request('POST', '/api/v1/menus', { token: admin.accessToken, body: { code, label: 'M' } })
  await app.sql('grant insert on events to app')
  expect([reply.status, reply.body.error.code]).toEqual([500, 'internal'])
  expect(await app.sql('select 1 from menus where code = $1', [code])).toEqual([])
  expect(app.logged.some((line) => line.includes('42501'))).toBe(true)
})

it('numbers what commits late behind what committed before it, without a gap', async () => {
  await app.caughtUp()
  const [{ last }] = (await app.sql('select last_position as last from event_log')) as [{ last: string }]
  const early = "insert into events (topic, target, payload) values ('menu.deleted', 'early', '{}')"
  const commit = await app.hold(early)
  await app.sql("insert into events (topic, target, payload) values ('menu.deleted', 'late', '{}')")
  await app.caughtUp()
  await commit()
  await app.caughtUp()
  const rows = await app.sql('select target, position from events where position > $1 order by position', [last])
  expect(rows).toEqual([
    { target: 'late', position: String(Number(last) + 1) },
    { target: 'early', position: String(Number(last) + 2) },
  ])
})
