import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Entry } from '../contract/define.ts'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { entries } from './support/entries.ts'
import { callEntry, transports } from './support/isolationCall.ts'
import { ownRequest } from './support/isolationInputs.ts'
import { createWorld, type World } from './support/isolationWorld.ts'
import { found, type Tenant } from './support/tenants.ts'
import { mutateAll } from './support/trpcCall.ts'

const all = [...entries]
const closed = all.filter(([, { access }]) => access !== 'public')
const open = all.filter(([, { access }]) => access === 'public')
const echoing = all.filter(([, { input }]) => input && 'tenant_id' in input.shape)

/** The least that leads to an entry: gates come before the input. */
const inputOf = ({ http }: Entry) =>
  Object.fromEntries([...http[1].matchAll(/\{(\w+)\}/g)].map(([, name]) => [name ?? '', randomUUID()]))

const adminOf = async (app: TestApp) => {
  const admin = await register(app)
  const text = "insert into user_roles (user_id, role_id) select $1, id from roles where code = 'admin' and is_system"
  await app.sql(text, [admin.id])
  return admin
}

describe.each(adapters)('X-Tenant-ID on %s', (adapter) => {
  let app: TestApp
  let caller: Account
  let admin: Account
  let foreign: Tenant
  beforeAll(async () => {
    app = await startApp({ adapter })
    caller = await register(app)
    admin = await adminOf(app)
    foreign = await found(app, await register(app))
  })
  afterAll(() => app.close())

  describe.each(transports)('over %s', (transport) => {
    const call = (of: (typeof all)[number], { token, tenant }: { token: string; tenant: string | undefined }) =>
      callEntry(app, of, { request: { tenant, input: inputOf(of[1]) }, token, transport })

    it.each(closed)('%s: refuses what is no UUID', async (...of) => {
      for (const tenant of ['nonsense', `${foreign.id}0`, 'global', `${foreign.id}, ${foreign.id}`, '{}']) {
        const { status, code } = await call(of, { token: caller.accessToken, tenant })
        expect([tenant, status, code]).toEqual([tenant, 400, 'tenant.invalid'])
      }
    })

    it.each(closed)('%s: refuses a stranger as it does for an unknown tenant', async (...of) => {
      const answers = [foreign.id, foreign.id.toUpperCase(), randomUUID(), '00000000-0000-0000-0000-000000000000'].map(
        (tenant) => call(of, { token: caller.accessToken, tenant }),
      )
      const [first, ...others] = await Promise.all(answers)
      expect([first?.status, first?.code]).toEqual([403, 'tenant.forbidden'])
      for (const { status, body } of others) expect([status, body]).toEqual([first?.status, first?.body])
    })

    it.each(closed)('%s: lets a global administrator into a tenant that exists, and into no other', async (...of) => {
      const inside = await call(of, { token: admin.accessToken, tenant: foreign.id })
      expect(inside.code).not.toBe('tenant.forbidden')
      // Logging out is one of the entries.
      await app.sql('update sessions set revoked_at = null where user_id = $1', [admin.id])
      const outside = await call(of, { token: admin.accessToken, tenant: randomUUID() })
      expect([outside.status, outside.code]).toEqual([403, 'tenant.forbidden'])
    })

    it.each(open)('%s: does not look at it', async (...of) => {
      for (const tenant of ['nonsense', randomUUID()]) {
        const { status, code } = await call(of, { token: caller.accessToken, tenant })
        expect([status, code]).toEqual([400, 'validation'])
      }
    })
  })

  it('is refused only after the token', async () => {
    const headers = { 'x-tenant-id': 'nonsense' }
    const reply = await app.request('GET', '/api/v1/auth/me', { token: 'nonsense', headers })
    expect([reply.status, reply.body.error.code]).toEqual([401, 'auth.invalid'])
  })

  it('counts for every call of a batch', async () => {
    const calls = [['sessions.revokeOthers'], ['sessions.revokeOthers']] as const
    const options = { token: caller.accessToken, headers: { 'x-tenant-id': foreign.id } }
    const { body } = await mutateAll(app, calls, options)
    const codes = body.map((part: { error: { data: { failure: { code: string } } } }) => part.error.data.failure.code)
    expect(codes).toEqual(['tenant.forbidden', 'tenant.forbidden'])
  })

  it('stops counting when the membership ends, at the next call', async () => {
    const tenant = await found(app, caller)
    const me = (by: Account) =>
      app.request('GET', '/api/v1/auth/me', { token: by.accessToken, headers: { 'x-tenant-id': tenant.id } })
    const guest = await register(app)
    expect((await me(guest)).status).toBe(403)
    await app.sql('insert into members (tenant_id, user_id) values ($1, $2)', [tenant.id, guest.id])
    expect((await me(guest)).status).toBe(200)
    const path = `/api/v1/tenants/${tenant.id}/members/${guest.id}`
    await app.request('DELETE', path, { token: caller.accessToken })
    expect((await me(guest)).status).toBe(403)
  })
})

describe.each(adapters)('tenant_id in an input on %s', (adapter) => {
  let app: TestApp
  let world: World
  let admin: Account
  beforeAll(async () => {
    app = await startApp({ adapter })
    admin = await adminOf(app)
    world = await createWorld(app)
  })
  afterAll(() => app.close())

  describe.each(transports)('over %s', (transport) => {
    const send = async (of: (typeof all)[number], token: string, [tenant, echo]: [string | undefined, unknown]) => {
      const { input } = ownRequest(of[1], world.a, { tenant_id: echo })
      const answer = await callEntry(app, of, { request: { tenant, input }, token, transport })
      await world.restore()
      return [answer.status < 300 ? 'fine' : answer.status, answer.code]
    }

    it.each(echoing)('%s: may repeat the header, and nothing else', async (...of) => {
      const own = world.a.ids.tenants
      const fine = ['fine', undefined]
      const invalid = [400, 'tenant.invalid']
      expect(await send(of, world.a.token, [own, own])).toEqual(fine)
      expect(await send(of, world.a.token, [own, own.toUpperCase()])).toEqual(fine)
      expect(await send(of, world.a.token, [own, world.b.ids.tenants])).toEqual(invalid)
      expect(await send(of, admin.accessToken, [undefined, own])).toEqual(invalid)
      expect((await send(of, world.a.token, [own, 'nonsense']))[1]).toBe('validation')
      // In a query string there is no null.
      if (transport === 'trpc' || of[1].kind === 'mutation')
        expect(await send(of, world.a.token, [own, null])).toEqual(fine)
    })
  })
})
